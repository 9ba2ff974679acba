//! Sends or captures voice-sized packets at a rate, for `benches/rtp_listen.sh`: prints what was sent, or what was
//! captured, what the kernel dropped and what processor time it took.
//!
//! ```text
//! capture send ADDRESS RATE SECONDS
//! capture ring|pnet|pnet-default INTERFACE SECONDS
//! ```

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "an example talks to its caller")]

use std::net::UdpSocket;
use std::time::{Duration, Instant};

use linesman_probes::wire::packets::{Channel, DefaultChannel, Options, PacketSource, Ring};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["send", address, rate, seconds] => send(address, rate.parse()?, seconds.parse()?)?,
        [how, interface, seconds] => capture(how, interface, seconds.parse()?)?,
        _ => {
            eprintln!("capture send ADDRESS RATE SECONDS | capture ring|pnet|pnet-default INTERFACE SECONDS")
        }
    }
    Ok(())
}

/// RTP of 172 bytes, 214 on the wire, from many senders, evenly in steps of a millisecond.
fn send(address: &str, rate: u64, seconds: u64) -> std::io::Result<()> {
    const SENDERS: u64 = 64;
    let sockets: Vec<_> = (0..SENDERS).map(|_| UdpSocket::bind("0.0.0.0:0")).collect::<Result<_, _>>()?;
    for socket in &sockets {
        socket.connect(address)?;
    }
    let begun = Instant::now();
    let all = rate * seconds;
    let mut sent = 0;
    while sent < all && begun.elapsed().as_secs() <= 2 * seconds {
        let due = (begun.elapsed().as_micros() as u64 * rate / 1_000_000).min(all);
        while sent < due {
            let sender = sent % SENDERS;
            let number = sent / SENDERS;
            let mut packet = [0x55_u8; 172];
            packet[..2].copy_from_slice(&[0x80, 8]);
            packet[2..4].copy_from_slice(&(number as u16).to_be_bytes());
            packet[4..8].copy_from_slice(&((number * 160) as u32).to_be_bytes());
            packet[8..12].copy_from_slice(&(sender as u32 + 1).to_be_bytes());
            // The far end's "nobody listens" comes back as an error of a later packet: that one is sent again.
            if sockets[sender as usize].send(&packet).is_ok() {
                sent += 1;
            }
        }
        std::thread::park_timeout(Duration::from_micros(500));
    }
    println!("sent {sent} seconds {:.2}", begun.elapsed().as_secs_f64());
    Ok(())
}

fn capture(how: &str, interface: &str, seconds: u64) -> Result<(), Box<dyn std::error::Error>> {
    let options = Options::new(interface);
    let mut source: Box<dyn PacketSource> = match how {
        "ring" => Box::new(Ring::open(&options)?),
        "pnet" => Box::new(Channel::open(&options)?),
        _ => Box::new(DefaultChannel::open(&options)?),
    };
    eprintln!("ready");
    let begun = Instant::now();
    let mut captured = 0_u64;
    while begun.elapsed().as_secs() < seconds {
        source.receive(Duration::from_millis(50), &mut |packet| {
            // Only those of the sender: 214 bytes; the rest is what the far end says to them.
            captured += u64::from(packet.data.len() == 214);
        })?;
    }
    let drops = source.counters()?.drops;
    println!("captured {captured} drops {drops} cpu {:.3}", processor_seconds());
    Ok(())
}

/// Processor time of this process.
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |place: usize| fields.get(place).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}
