//! The virtual reader's side of the conversation, played by the test.

use crate::{SELECT_JPKI, VERIFY_1234, hex, today};
use kazasu_card_sim::{ATR_CONTACT, Card, Config, Ending, Event, Fault, FaultAt, VpcdServer, When, serve_vpcd};
use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

fn send(stream: &mut TcpStream, body: &[u8]) {
    stream.write_all(&(body.len() as u16).to_be_bytes()).expect("sent");
    stream.write_all(body).expect("sent");
}

fn ask(stream: &mut TcpStream, body: &[u8]) -> Option<Vec<u8>> {
    send(stream, body);
    let mut length = [0; 2];
    stream.read_exact(&mut length).ok()?;
    let mut answer = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut answer).ok()?;
    Some(answer)
}

fn listen() -> (TcpListener, std::net::SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    (listener, address)
}

#[test]
fn control_bytes_and_commands_are_answered_until_the_daemon_closes() {
    let (listener, address) = listen();
    let card = Card::new(Config { first_command_6f00: true, ..today() }).expect("a card");
    let server = thread::spawn(move || serve_vpcd(address, card, || false));
    let (mut stream, _) = listener.accept().expect("the card comes");
    send(&mut stream, &[0x01]);
    assert_eq!(ask(&mut stream, &[0x04]).as_deref(), Some(ATR_CONTACT));
    assert_eq!(ask(&mut stream, &hex(SELECT_JPKI)), Some(hex("6F00")));
    assert_eq!(ask(&mut stream, &hex(SELECT_JPKI)), Some(hex("9000")));
    assert_eq!(ask(&mut stream, &hex("0020009804 31323334")), Some(hex("9000")));
    assert_eq!(ask(&mut stream, &hex("00B08A00000000")).map(|answer| answer.len()), Some(1_902));
    assert_eq!(ask(&mut stream, &[0, 0xA4]), Some(hex("6700")));
    send(&mut stream, &[]);
    send(&mut stream, &[0x77]);
    send(&mut stream, &[0x02]);
    assert_eq!(ask(&mut stream, &hex(SELECT_JPKI)), Some(hex("6F00")), "a reset begins anew");
    assert_eq!(ask(&mut stream, &hex(VERIFY_1234)), Some(hex("6986")));
    send(&mut stream, &[0x00]);
    assert_eq!(ask(&mut stream, &[0x04]).as_deref(), Some(ATR_CONTACT));
    drop(stream);
    server.join().expect("no panic").expect("a clean end");
}

#[test]
fn a_lost_card_closes_the_connection_and_can_come_back() {
    let (listener, address) = listen();
    let card = Arc::new(Mutex::new(Card::new(today()).expect("a card")));
    let mut slot = VpcdServer::new(Arc::clone(&card))
        .with_fault(FaultAt { when: When::Exchange(1), fault: Fault::DropAfter })
        .with_fault(FaultAt { when: When::Ins(0x84), fault: Fault::Truncate(0) });
    let server = thread::spawn(move || {
        let mut seen = Vec::new();
        let endings = [(); 2].map(|()| slot.run(address, || false, |event| seen.push(event)).expect("no I/O error"));
        (endings, seen)
    });
    let (mut stream, _) = listener.accept().expect("the card comes");
    send(&mut stream, &[0x01]);
    assert_eq!(ask(&mut stream, &hex(SELECT_JPKI)), Some(hex("9000")));
    assert_eq!(ask(&mut stream, &hex("0020009804 30303030")), None);
    let (mut stream, _) = listener.accept().expect("the card comes back");
    assert_eq!(ask(&mut stream, &hex(SELECT_JPKI)), Some(hex("9000")));
    assert_eq!(ask(&mut stream, &hex("00200098")), Some(hex("63C2")));
    assert_eq!(ask(&mut stream, &hex("0084000008")), None, "an answer of no bytes is a lost card");
    let (endings, seen) = server.join().expect("no panic");
    assert_eq!(endings, [Ending::Lost, Ending::Lost]);
    assert_eq!(seen.iter().filter(|event| matches!(event, Event::Connected(_))).count(), 2);
    let Some(Event::Exchange(first)) = seen.get(1) else { panic!("{seen:?}") };
    assert_eq!((first.ins, first.command_len, first.response_len, first.sw), (0xA4, 15, Some(2), Some(0x9000)));
}

#[test]
fn the_caller_can_stop_it() {
    let (listener, address) = listen();
    let card = Card::new(today()).expect("a card");
    let stop = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&stop);
    let server = thread::spawn(move || serve_vpcd(address, card, || asked.load(Ordering::Relaxed)));
    let _stream = listener.accept().expect("the card comes");
    stop.store(true, Ordering::Relaxed);
    server.join().expect("no panic").expect("a clean end");
}
