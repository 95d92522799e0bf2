//! The surface application.

use crate::{
    card, hex, say,
    text_input::{certified_key, public_key, read},
    today, transcript,
};
use kazasu_card_sim::{Card, Config};
use rsa::Pkcs1v15Sign;
use sha2::{Digest, Sha256};

const SELECT_SURFACE: &str = "00A4040C0AD3921000310001010402";
const VERIFY_A: &str = "002000930C313233343536373839303138";
const VERIFY_B: &str = "002000920E3032303430353230333530313233";
const VERIFY_BIRTH_DATE: &str = "0020009106303230343035";

fn surface(config: Config) -> Card {
    let mut card = card(config);
    transcript(&mut card, &[(SELECT_SURFACE, "9000")]);
    card
}

/// Splits the value of an object into its two-byte-tagged fields, whole and with the bytes of their headers.
fn fields(file: &[u8]) -> Vec<(u16, Vec<u8>, usize)> {
    let length = |bytes: &[u8]| match bytes {
        [0x82, high, low, ..] => (3, usize::from(u16::from_be_bytes([*high, *low]))),
        [length, ..] => (1, usize::from(*length)),
        [] => panic!("no length"),
    };
    let (octets, total) = length(&file[2..]);
    let mut rest = &file[2 + octets..][..total];
    let mut out = Vec::new();
    while !rest.is_empty() {
        let (octets, length) = length(&rest[2..]);
        let (field, after) = rest.split_at(2 + octets + length);
        out.push((u16::from_be_bytes([field[0], field[1]]), field.to_vec(), 2 + octets));
        rest = after;
    }
    out
}

#[test]
fn every_secret_opens_its_files_and_no_others() {
    let files = ["0001", "0002", "0003", "0004", "0005", "0006"];
    let open_after = |verify: Option<&str>| -> Vec<&str> {
        let mut card = surface(today());
        if let Some(verify) = verify {
            transcript(&mut card, &[(verify, "9000")]);
        }
        let opens = |id: &&str| {
            transcript(&mut card, &[(&format!("00A4020C02{id}"), "9000")]);
            match say(&mut card, "00B0000001").as_str() {
                "6982" => false,
                answer => answer.len() == 6,
            }
        };
        files.into_iter().filter(opens).collect()
    };
    assert_eq!(open_after(None), ["0003", "0004"]);
    assert_eq!(open_after(Some(VERIFY_BIRTH_DATE)), ["0001", "0003", "0004"]);
    assert_eq!(open_after(Some(VERIFY_A)), ["0002", "0003", "0004", "0005", "0006"]);
    assert_eq!(open_after(Some(VERIFY_B)), ["0002", "0003", "0004", "0006"]);
}

#[test]
fn the_face_is_nine_fields_with_offsets_and_one_signature_over_three_digests() {
    let mut card = surface(today());
    transcript(&mut card, &[(VERIFY_B, "9000")]);
    let signer = certified_key(&read(&mut card, 0x0004), "9000023");
    let file = read(&mut card, 0x0002);
    assert!(file.ends_with(&[0xFF; 16]));
    let fields = fields(&file);
    let tags: Vec<u16> = fields.iter().map(|(tag, ..)| *tag).collect();
    assert_eq!(tags, (0xDF21..=0xDF2A).collect::<Vec<u16>>());
    let offsets: Vec<usize> =
        fields[0].1[3..].chunks_exact(2).map(|pair| usize::from(u16::from_be_bytes([pair[0], pair[1]]))).collect();
    assert_eq!(offsets[..4], [0x1A, 0x25, 0x29, 0x137]);
    for (offset, (_, field, _)) in offsets.iter().zip(&fields[1..]) {
        assert!(file[*offset..].starts_with(field), "{offset:04X}");
    }
    let value = |index: usize| &fields[index].1[fields[index].2..];
    assert_eq!((value(1), value(2), value(8)), (&b"19900405"[..], &b"2"[..], &b"20350405"[..]));
    assert!([4, 5, 9].iter().all(|index| value(*index).starts_with(b"\x89PNG\r\n\x1a\n")));
    assert!(value(6).starts_with(b"\0\0\0\x0CjP  \r\n\x87\n"));
    let digest = |range: std::ops::RangeInclusive<usize>| {
        Sha256::digest(fields[range].iter().flat_map(|(_, field, _)| field.clone()).collect::<Vec<u8>>())
    };
    let block = [
        hex("3071300D060960864801650304020105000460"),
        digest(1..=3).to_vec(),
        digest(4..=5).to_vec(),
        digest(6..=6).to_vec(),
    ]
    .concat();
    signer.verify(Pkcs1v15Sign::new_unprefixed(), &block, value(7)).expect("the municipality signed it");
}

#[test]
fn birth_date_and_my_number_records_are_signed_and_carry_the_key_of_the_chip() {
    let mut card = surface(today());
    for verify in [VERIFY_BIRTH_DATE, VERIFY_A] {
        transcript(&mut card, &[(verify, "9000")]);
    }
    let signer = certified_key(&read(&mut card, 0x0004), "9000023");
    let (birth_date, my_number) = (read(&mut card, 0x0001), read(&mut card, 0x0005));
    assert_eq!((birth_date.len(), &birth_date[..16]), (547, &hex("FF1082021EDF11083139393030343035")[..]));
    assert_eq!((&my_number[..3], &my_number[5..7]), (&hex("FF4082")[..], &hex("DF41")[..]));
    let mut keys = Vec::new();
    for record in [birth_date, my_number] {
        let fields = fields(&record);
        let signed = [fields[0].1.as_slice(), &fields[1].1].concat();
        let verified = signer.verify(Pkcs1v15Sign::new::<Sha256>(), &Sha256::digest(&signed), &fields[2].1[5..]);
        verified.expect("the municipality signed it");
        keys.push(fields[1].1[14..].to_vec());
    }
    assert_eq!(keys[0], keys[1]);
    let answer = card.process(&hex("802A030003 616263 00"));
    let signature = answer.strip_suffix(&[0x90, 0x00]).expect("9000");
    let verified = public_key(&keys[0]).verify(Pkcs1v15Sign::new::<Sha256>(), &Sha256::digest("abc"), signature);
    verified.expect("the chip signed it");
}

#[test]
fn basic_information_names_the_municipality() {
    let content = read(&mut surface(today()), 0x0003);
    assert_eq!(content.len(), 320);
    assert_eq!(content[..12], hex("FF3082013B DF3104 06030E01"));
    assert_eq!(content[12..31], hex("DF3210 39303030303234 0805 303031 00000000"));
    assert_eq!(content[31..48], hex("DF330100 DF3405 3133313031 DF35820110"));
}

#[test]
fn a_large_face_is_read_in_short_steps_to_its_end() {
    let mut card = surface(today());
    transcript(&mut card, &[(VERIFY_A, "9000"), ("00A4020C020002", "9000")]);
    let mut content = Vec::new();
    loop {
        let [high, low] = (content.len() as u16).to_be_bytes();
        let answer = card.process(&[0x00, 0xB0, high, low, 0x00]);
        match answer.split_last_chunk::<2>() {
            Some((data, [0x90, 0x00])) => content.extend_from_slice(data),
            Some(([], [0x6B, 0x00])) => break,
            other => panic!("{other:02X?}"),
        }
    }
    assert_eq!(content, read(&mut card, 0x0002));
    assert!((48..60).contains(&content.len().div_ceil(256)), "{} bytes", content.len());
}
