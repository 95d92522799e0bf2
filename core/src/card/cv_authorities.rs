//! The keys that certify municipalities.
//!
//! They are not published officially. These were taken from the MIT-licensed crate `myna-card` 3.3.4; those of test cards
//! verify its published dumps. Each has the public exponent 65537.

/// Name of a CV authority's key: seven digits and the last byte of its identifier, with the modulus in base64.
pub(super) type Row = ([u8; 7], u8, &'static str);

/// Production: …20 certifies what GET DATA returns, …23 the surface application, …33 the text-input application.
pub(super) const NATIONAL: [Row; 3] = [
    (
        *b"5000020",
        0xA8,
        "ti0IEUXTSs6wIrwvCgjYs5DkL/7uyTRy9nXsM1B7vOmCwi8ztzBM8XY5znWh0P0edf+thrDXLMzw0LBRNt23JhQAwBYMcThy4eg8\
         SKKgCBgUf++/Cwn2Q+5LMoQZ6HY3Z62+rrqI1Jw7RKW4+K15T89kpBYan+i5dmD8pGlBFFlNS4SY/h5SUCCGq8Gw7aAE052VGTtA\
         MasMUWAIu6/8SaxqLr5UTvSeo7eQzRPxM4lt+Npj4VzorA3CdvdvCAtyPmZI8Qpvt7COXGnc363VL3tbbRdAz441a8aFsx18RVaA\
         zZXTtLIOqAlPAGYK53TuurKHVIehIQyociGgtjo+gw==",
    ),
    (
        *b"5000023",
        0x00,
        "svdA8K2G0Xzz9TfSO0s8ZaPLWEdNhX9V0Lm8BBGxywhJBo3jMqUNY7Pmkhycy+YVZJbvsEvo/8x0/emiKKNq1+3Ol5MgTjWXPckR\
         EINlACxAFp4LYAGN+5nh4jENmhEP8Pwmnx8iDGO4oVEN5aaJgiDHiQj8KA2KqV1dETt88AcA8/9a2LPWrS61PH1WNJi0qTje/8m9\
         oyv0FGwbB++HDZnrNd5dcKwYcVh0J3oTFR0hfQTULpeSOSOkD7x9BvqoM4zL6HZiD5uO9Ecc1LninU6mIeD7jx3AS0hyEAl9uq89\
         jgVQx2pbl88gL6R8eiYi8cCE5lwT0TuOerIm9fUfhw==",
    ),
    (
        *b"5000033",
        0x00,
        "0kYV9jUl50DIfoPtZHh+dtEKH4ZS6+HqKJNNNc478HcW9beeK8sq4rkbT0yf+2Akl/WW1lmvnQoUtFzdc471Ykk0m4zH2zLy1DO9\
         ObzET1A+iB1WwUns1RVcHOdGH8OsT1XQo5zKqt+uW4r6Ecz5G+3HdAI9EcpuupkAT4HFQafWfd7YxyTW4gsQo96q6MQ8E3zNcbJj\
         dA6JeXUt5NVnYynKvL1/Onf8SKb45h05m0rGZoSp/fyZ7O+QDdb/fw/dOeI9Fj+KRoxi2+rgCQbfrVqJtFyltzU9yZioDTgD7aeU\
         tV+Z9TXRw5okPINSrWAtkmw4nSgWyUE0nuJOT0FZfw==",
    ),
];

/// The same three of test cards.
#[cfg(any(test, feature = "simulator"))]
pub(super) const OF_TEST_CARDS: [Row; 3] = [
    (
        *b"6000020",
        0xA8,
        "0MtjAzmeyGcn4+nlCZZYCVbuh4OfW2dM80BItHAYApUAhBteb2xkPq7+BCSCA3rNg5LmxqOG+3fds/HVG8rHbkaaCc7II9x4wevb\
         WnxaoErHCUrXSzhjdgEkH0PT5sakhQ5aTjJEoTj7paLiLDExLvhpm36NuYKrewk8SsE/BWm6hra4hsEHLvF0shgRgfbRb/+QS+ZS\
         9Hr8XFlzZu0v874JUAgIVaiJMNMS2L4rtKriscGYSAZLp+kst05S4Zwc+rhnaxhwa+v5E7V/kq50mMCHUOQWV6F0aybaKw3vyF0o\
         axuFrclzk1ZAP2tuGKGTihHj7AQ8HNxe8DqNUUAsxQ==",
    ),
    (
        *b"6000023",
        0x00,
        "4IyhyqDljF3yS/1n5Ft85LUO/4KMEFaAVffgErchLn0oebnguVHnrFptwNfTwxwiOVGh4ndPOYz0ZgKorsBImHFJgfgTy529LvkG\
         hSjpRQNhwAFUc4yk3XnROAmLkfrimk/XUFVjZ7uFQViVOvWMDou/KJw6MOWV/vBEUZ6WfvBobLz272ue1vwqGfgAzgfpKawRVW8Q\
         cwdzcieboTAhb8aAt8OXiMjnU09x7rTADJBT+/bpKgd4TyYwivePnBgAPsvxKWW9MDBFuKdjkcQxeH/8dFzCdCBmFtkegbObuaLb\
         S2TErUeDGrBsxAHyFi8w2TFsOFV9TZbtXnbbSbkJLQ==",
    ),
    (
        *b"6000033",
        0x00,
        "sf42vRR79BsgEbkVaGfEEYsFrkfWkc20pEZ/SUmv3XHijhK1xh5o8AtjmmzLz0R5h2HHcAqB9mbGeDFDO3QqLBEmlCYB4lNxsrk2\
         MQZ9Rm8gHq8xOTsb1qR1iftXsxiXNaJ6JFg/3ivybCo02GRf4Obi/pAWEs74x0DCKCia9tRXrKOxqi+eu1baNZHDCDC4r+KhypmV\
         HmcLnpwLQOvb7CEvlADlqvXCtRB940q2vGZCWobXMaOS6BAB3qHOVlmBvhWCVq4FWYori/sEwbZu4gCOAZ+xsro3heDKeMox6l8J\
         tNVQV32/EqdHq9XhxFDAdQ35ZfU+oIu/EuQKQFfHTQ==",
    ),
];
