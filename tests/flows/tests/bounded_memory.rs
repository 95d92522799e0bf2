//! Whatever a card answers, reading it takes at most 64 kB.

use std::sync::OnceLock;

use kazasu::card::{Card, Face, LastAttempt, Verification};
use kazasu::crypto::SignatureVerifier;
use kazasu::iso7816::{CardCapabilities, CardTransport, TransportError, TransportLimits};
use kazasu_flows::heap::{self, Counting};
use kazasu_flows::{authorities, number_b, pin_of, text_input_pin_of};

const LIMIT: usize = 65_536;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A card that fills its answer to READ BINARY, given offset and length, by `read`, and opens itself to any PIN. It makes
/// one allocation an answer, as every link does.
struct Liar {
    read: Fill,
}

type Fill = fn(&mut Vec<u8>, usize, usize);

impl CardTransport for Liar {
    fn transceive(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        if command[1] == 0x20 && command.len() <= 5 {
            return Ok(vec![0x63, 0xC3]);
        }
        if command[1] != 0xB0 {
            return Ok(vec![0x90, 0x00]);
        }
        let asked = match command.len() {
            5 => (usize::from(command[4]) + 255) % 256 + 1,
            _ => usize::from(u16::from_be_bytes([command[5], command[6]])),
        };
        let by_identifier = command[2] & 0x80 != 0;
        let offset = if by_identifier { 0 } else { usize::from(u16::from_be_bytes([command[2], command[3]])) };
        let mut answer = Vec::with_capacity(asked + 2);
        (self.read)(&mut answer, offset, asked);
        answer.extend([0x90, 0x00]);
        Ok(answer)
    }

    fn limits(&self) -> TransportLimits {
        TransportLimits::EXTENDED
    }
}

/// Part of a file that begins with `head` and goes on for ever.
fn part(answer: &mut Vec<u8>, head: &[u8], offset: usize, asked: usize) {
    answer.extend((offset..offset + asked).map(|at| head.get(at).copied().unwrap_or(0x07)));
}

/// A face in form, of 32,000 bytes, nearly all of which the fields of the last tag take.
fn face(last: u8, count: usize) -> Vec<u8> {
    let tlv = |tag: u8, value: &[u8]| {
        let header = match u16::try_from(value.len()).expect("short") {
            short @ 0..=127 => vec![short.to_be_bytes()[1]],
            long => [&[0x82], &long.to_be_bytes()[..]].concat(),
        };
        [vec![0xDF, tag], header, value.to_vec()].concat()
    };
    let key = [&[0x90, 3, 1, 0, 1, 0x91, 0x82, 1, 0][..], &[0xFF; 256]].concat();
    let mut fields = vec![
        tlv(0x22, b"19900405"),
        tlv(0x23, b"2"),
        tlv(0x24, &key),
        tlv(0x25, &[0; 2]),
        tlv(0x26, &[0; 2]),
        tlv(0x28, &[4; 256]),
        tlv(0x29, b"20350405"),
        tlv(0x2A, &[5]),
    ];
    let room = 32_000 - 5 - 3 - 2 * (fields.len() + count) - fields.concat().len();
    let (each, rest) = ((room / count) - 5, room % count);
    for n in 0..count {
        let value = vec![u8::try_from(n + 7).expect("few"); if n == 0 { each + rest } else { each }];
        fields.push(tlv(last, &value));
    }
    let first = u16::try_from(5 + 3 + 2 * fields.len()).expect("short");
    let starts = fields.iter().scan(first, |at, field| {
        let start = *at;
        *at += u16::try_from(field.len()).expect("short");
        Some(start.to_be_bytes())
    });
    let offsets: Vec<u8> = starts.flatten().collect();
    let file = [&[0xFF, 0x20, 0x82, 0x7C, 0xFB][..], &tlv(0x21, &offsets), &fields.concat()].concat();
    assert_eq!(file.len(), 32_000);
    file
}

/// With one photo, with two that differ, and with as many fields as there may be that nobody knows.
fn faces() -> &'static [Vec<u8>; 3] {
    static FACES: OnceLock<[Vec<u8>; 3]> = OnceLock::new();
    FACES.get_or_init(|| [face(0x27, 1), face(0x27, 2), face(0x2F, 16)])
}

const CARDS: [(&str, Fill); 8] = [
    ("a length near four gigabytes", |answer, offset, asked| {
        part(answer, &[0xFF, 0x20, 0x84, 0xFF, 0xFF, 0xFF, 0xFF], offset, asked);
    }),
    ("the longest record", |answer, offset, asked| part(answer, &[0xFF, 0x20, 0x82, 0x7C, 0xFB], offset, asked)),
    ("the longest record in single bytes", |answer, offset, asked| {
        part(answer, &[0xFF, 0x20, 0x82, 0x7C, 0xFB], offset, if offset == 0 { asked.min(5) } else { 1 });
    }),
    ("the longest certificate", |answer, offset, asked| part(answer, &[0x30, 0x82, 0x0F, 0xFC], offset, asked)),
    ("a record beyond the limit", |answer, offset, asked| part(answer, &[0xFF, 0x20, 0x82, 0x7F, 0xFF], offset, asked)),
    ("a face with an enormous photo", |answer, offset, asked| part(answer, &faces()[0], offset, asked)),
    ("a face with two photos", |answer, offset, asked| part(answer, &faces()[1], offset, asked)),
    ("a face with sixteen fields more", |answer, offset, asked| part(answer, &faces()[2], offset, asked)),
];

fn flows(link: &mut Liar, verification: Verification<'_>) {
    let mut card = Card::new(link, CardCapabilities::default());
    let jpki = card.select_jpki().and_then(|mut jpki| {
        let _ = jpki.token_info();
        jpki.authentication_certificate()?;
        jpki.verify_user_authentication(pin_of(1), LastAttempt::Refuse)
    });
    let text = card
        .select_text_input()
        .and_then(|mut text| text.attributes_with_proof(text_input_pin_of(1), LastAttempt::Refuse, verification));
    let face = card.select_surface().and_then(|mut surface| surface.face(number_b(), LastAttempt::Refuse));
    assert!(jpki.is_err() || text.is_err() || face.is_err(), "no such card is right in everything");
}

#[test]
fn a_lying_card_takes_at_most_64_kilobytes() {
    // Once before measuring, so that what is made once is there.
    let authorities = authorities();
    let verification = Verification::full(&authorities, SignatureVerifier::ring());
    flows(&mut Liar { read: CARDS[0].1 }, verification);
    for face in faces() {
        let kept = Face::parse(face).expect("a face in form");
        assert_eq!(kept.photo_jp2.is_not_on_card(), kept.unsigned_others.len() == 16);
    }
    for (name, read) in CARDS {
        let peak = heap::peak_of(|| flows(&mut Liar { read }, verification));
        println!("{name}: {peak} bytes at most");
        assert!(peak <= LIMIT, "{name}: {peak}");
    }
}
