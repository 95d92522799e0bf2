//! `https` URLs, compared by what they lead to and not by how they are written (RFC 3986, 6.2.2 and 6.2.3).

use std::net::Ipv6Addr;

use ureq::http::Uri;

/// The port of a URL that names none.
const PORT: u16 = 443;

/// An `https` URL: origin and path, nothing else.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct HttpsUrl {
    text: String,
    uri: Uri,
}

impl HttpsUrl {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let uri: Uri = text.parse().ok()?;
        let plain = uri.scheme_str() == Some("https")
            && uri.host().is_some_and(|host| !host.is_empty())
            && uri.authority().is_some_and(|authority| !authority.as_str().contains('@'))
            && uri.query().is_none()
            && !text.contains('#');
        plain.then(|| Self { text: text.to_owned(), uri })
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// The host alone, in lower case; an IPv6 address in brackets and in its shortest form (RFC 5952).
    pub(crate) fn host(&self) -> String {
        let host = self.uri.host().unwrap_or_default().to_ascii_lowercase();
        let address = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let address = address.and_then(|address| address.parse::<Ipv6Addr>().ok());
        address.map_or(host, |address| format!("[{address}]"))
    }

    fn port(&self) -> u16 {
        self.uri.port_u16().unwrap_or(PORT)
    }

    /// Scheme, host and port, the port only where it is not that of `https`.
    fn origin(&self) -> String {
        match self.port() {
            PORT => format!("https://{}", self.host()),
            port => format!("https://{}:{port}", self.host()),
        }
    }

    /// The path without a slash at its end.
    fn path(&self) -> &str {
        self.uri.path().trim_end_matches('/')
    }

    /// Scheme, host and port are the same.
    pub(crate) fn has_origin_of(&self, other: &Self) -> bool {
        (self.host(), self.port()) == (other.host(), other.port())
    }

    /// The other leads to the same place: origin and path are the same, a slash at the end aside.
    pub(crate) fn leads_to(&self, other: &Self) -> bool {
        self.has_origin_of(other) && self.path() == other.path()
    }

    /// The one form of all those that lead to the same place.
    pub(crate) fn canonical(self) -> Self {
        let text = format!("{}{}", self.origin(), self.path());
        Self::parse(&text).unwrap_or(self)
    }

    /// The path of what `reference` names below this URL, without a slash before it; as [`HttpsUrl::within`].
    pub(crate) fn path_below(&self, reference: &str) -> Option<String> {
        let place = self.within(&self.join(""), reference)?;
        place.strip_prefix(&format!("{}{}/", self.origin(), self.path())).map(str::to_owned)
    }

    /// This URL with `path` behind it, one slash between.
    pub(crate) fn join(&self, path: &str) -> String {
        format!("{}/{path}", self.text.trim_end_matches('/'))
    }

    /// The well-known URL of RFC 8414, 3.1 and RFC 9728, 3.1: between host and path.
    pub(crate) fn well_known(&self, name: &str) -> String {
        let authority = self.uri.authority().map_or("", |authority| authority.as_str());
        format!("https://{authority}/.well-known/{name}{}", self.path())
    }

    /// Where `link`, found in what `from` answered, leads (RFC 3986, 5.2): a URL of this origin, if it is this URL itself,
    /// where some servers page, or below it. No other origin, no way up.
    pub(crate) fn within(&self, from: &str, link: &str) -> Option<String> {
        let absolute = resolve(from, link)?;
        let (path, query) = absolute.split_at(absolute.find('?').unwrap_or(absolute.len()));
        let url = Self::parse(path).filter(|url| url.has_origin_of(self))?;
        let path = url.uri.path();
        let rest = path.strip_prefix(self.path())?;
        // Percent-encoded dots are dots to some servers.
        let is_below = (rest.is_empty() || rest.starts_with('/')) && !rest.contains("..") && !rest.contains('%');
        let text = format!("{}{path}{query}", self.origin());
        (is_below && text.parse::<Uri>().is_ok()).then_some(text)
    }
}

/// An absolute URL from a reference (RFC 3986, 4.2); a path that goes up stays as it is, for the caller to refuse. `None`
/// for one with a fragment, which names nothing that could be fetched, and with a backslash, which some take for a slash.
fn resolve(from: &str, link: &str) -> Option<String> {
    let is_absolute = link.split(['/', '?', '#']).next().is_some_and(|first| first.contains(':'));
    if link.is_empty() || link.contains(['#', '\\']) {
        return None;
    }
    if is_absolute {
        return Some(link.to_owned());
    }
    let path = from.split('?').next()?;
    let authority_at = path.find("//")?.checked_add(2)?;
    let path_at = path.get(authority_at..)?.find('/').map_or(Some(path.len()), |at| at.checked_add(authority_at))?;
    let kept = match link {
        _ if link.starts_with("//") => "https:",
        _ if link.starts_with('/') => path.get(..path_at)?,
        _ if link.starts_with('?') => path,
        _ => path.rsplit_once('/').filter(|(folder, _)| folder.len() >= path_at).map(|(folder, _)| folder)?,
    };
    let slash = if link.starts_with(['/', '?']) { "" } else { "/" };
    Some(format!("{kept}{slash}{link}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> HttpsUrl {
        HttpsUrl::parse(text).expect(text)
    }

    #[test]
    fn only_plain_https_urls_pass() {
        assert!(HttpsUrl::parse("https://auth.hoken.example").is_some());
        for bad in [
            "http://a.example",
            "https://u:p@a.example/",
            "https://a.example/?q=1",
            "https://a.example/#f",
            "https://健保.example/r4",
            "https://a.example\\@b.example/",
            "a",
            "",
        ] {
            assert!(HttpsUrl::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn well_known_names_stand_between_host_and_path() {
        let base = url("https://fhir.hoken.example:8443/r4");
        assert_eq!(base.well_known("x"), "https://fhir.hoken.example:8443/.well-known/x/r4");
        assert_eq!(base.join("metadata"), "https://fhir.hoken.example:8443/r4/metadata");
        assert!(base.has_origin_of(&url("https://FHIR.hoken.example:8443/other")));
        assert!(!base.has_origin_of(&url("https://fhir.hoken.example/r4")));
    }

    #[test]
    fn one_place_has_one_form() {
        for (written, form) in [
            ("https://fhir.example/r4", "https://fhir.example/r4"),
            ("HTTPS://FHIR.Example:443/r4/", "https://fhir.example/r4"),
            ("https://fhir.example:8443", "https://fhir.example:8443"),
            ("https://fhir.example/R4//", "https://fhir.example/R4"),
            ("https://[2001:DB8:0:0::1]:443/r4", "https://[2001:db8::1]/r4"),
            ("https://xn--qiq5y.example/r4", "https://xn--qiq5y.example/r4"),
        ] {
            assert_eq!(url(written).canonical().as_str(), form);
            assert!(url(written).leads_to(&url(form)) && url(form).leads_to(&url(written)));
        }
        for other in ["https://fhir.example/r5", "https://fhir.example:8443/r4", "https://fhir2.example/r4"] {
            assert!(!url("https://fhir.example/r4").leads_to(&url(other)), "{other}");
        }
    }

    #[test]
    fn links_stay_within_the_base() {
        let base = url("https://fhir.example/r4");
        let from = "https://fhir.example/r4/Immunization/_search";
        let within = |link| base.within(from, link);
        for (link, leads_to) in [
            ("https://fhir.example/r4?_getpages=1", "https://fhir.example/r4?_getpages=1"),
            ("https://fhir.example/r4/?page=2", "https://fhir.example/r4/?page=2"),
            ("https://fhir.example/r4/Immunization?_page=x", "https://fhir.example/r4/Immunization?_page=x"),
            // The same origin, written otherwise.
            ("https://fhir.example:443/r4/Immunization?_page=x", "https://fhir.example/r4/Immunization?_page=x"),
            ("HTTPS://FHIR.EXAMPLE/r4/Immunization?_page=%41", "https://fhir.example/r4/Immunization?_page=%41"),
            // Relative to the page (RFC 3986, 5.4).
            ("?page=2", "https://fhir.example/r4/Immunization/_search?page=2"),
            ("/r4/Immunization?page=2", "https://fhir.example/r4/Immunization?page=2"),
            ("//fhir.example:443/r4/x", "https://fhir.example/r4/x"),
            ("_search?page=2", "https://fhir.example/r4/Immunization/_search?page=2"),
            ("p?at=https://evil.example", "https://fhir.example/r4/Immunization/p?at=https://evil.example"),
        ] {
            assert_eq!(within(link).as_deref(), Some(leads_to), "{link}");
        }
        for outside in [
            "https://fhir.example/r40/Immunization",
            "https://fhir.example/R4/Immunization",
            "https://fhir.example/r4/../admin",
            "https://fhir.example/r4/%2e%2e/admin",
            "https://fhir.example:8443/r4/x",
            "https://fhir.example.evil/r4/x",
            "https://evil.example/r4/x",
            "https://fhir.example@evil.example/r4/x",
            "//evil.example/r4/x",
            "//fhir.example@evil.example/r4/x",
            "http://fhir.example/r4/x",
            "http://fhir.example:443/r4/x",
            "ftp:r4",
            "/admin",
            "../../admin",
            "\\\\evil.example/r4",
            "https://fhir.example/r4/x#y",
            "https://fhir.example/r4/x?a b",
            "",
        ] {
            assert_eq!(within(outside), None, "{outside}");
        }
        let at_root = url("https://fhir.example");
        assert_eq!(at_root.within("https://fhir.example", "/x?y").as_deref(), Some("https://fhir.example/x?y"));
        assert_eq!(at_root.within("https://fhir.example?p=1", "x"), None, "no folder to stand in");
    }
}
