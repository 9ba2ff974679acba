//! Capture files: classic pcap in its four forms, pcapng, either of them in gzip; as a stream, in bounded memory.
//!
//! Own readers and no crate: a monitor needs the number of the packet where a damaged file broke,
//! the interface options that set the time, and no copy of a packet.
//! Deliberately absent: name resolution blocks, decryption secrets, statistics blocks.

mod buffer;
mod merge;
mod pcap;
mod pcapng;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io::Read;

pub use merge::{Broken, Merge};

use buffer::Buffer;
use pcap::Pcap;
use pcapng::PcapNg;

/// Largest packet or block that is believed; a larger length means that the file is damaged.
pub const MAX_BLOCK: usize = 16 << 20;

/// Latest time that is believed, in the year 2116: sums and differences of two times always fit.
const LATEST: i64 = i64::MAX / 2;

/// Where the packets of an interface begin: tcpdump's link types (the LINKTYPE registry).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkType(pub u32);

/// One captured packet.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// Position in its file, from 1.
    pub number: u64,
    /// Arrival in nanoseconds since 1970; never before that, nor after 2116.
    pub at: i64,
    /// What the bytes begin with.
    pub link: LinkType,
    /// The bytes kept.
    pub data: &'a [u8],
}

/// Why a capture cannot be read on.
#[derive(Debug)]
pub struct ReadError {
    /// Number of the packet that could not be read, from 1.
    pub packet: u64,
    /// What was found.
    pub cause: Cause,
}

/// What makes a capture unreadable.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    /// Neither pcap nor pcapng.
    #[error("this is neither pcap nor pcapng (nor either of them in gzip)")]
    NotACapture,
    /// Nothing in it at all.
    #[error("the file is empty")]
    Empty,
    /// Ends within a packet.
    #[error("the file ends within it: truncated")]
    Truncated,
    /// A length or a field that cannot be.
    #[error("damaged: {0}")]
    Damaged(&'static str),
    /// The source failed; a damaged gzip does too.
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at packet {}: {}", self.packet, self.cause)
    }
}

impl std::error::Error for ReadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.cause {
            Cause::Io(error) => Some(error),
            _ => None,
        }
    }
}

/// A source as it is, or unpacked.
enum Source<R> {
    Plain(R),
    Gzip(Box<flate2::read::MultiGzDecoder<R>>),
}

impl<R: Read> Read for Source<R> {
    fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
        match self {
            Self::Plain(source) => source.read(to),
            Self::Gzip(source) => source.read(to),
        }
    }
}

/// The first bytes that had to be looked at, put back before the rest.
type Peeked<R> = std::io::Chain<std::io::Cursor<Vec<u8>>, R>;

enum Format {
    Pcap(Pcap),
    PcapNg(PcapNg),
}

/// Reads the packets of one capture.
pub struct Capture<R> {
    buffer: Buffer<Source<Peeked<R>>>,
    format: Format,
    read: u64,
    ended: bool,
}

impl<R: Read> Capture<R> {
    /// Looks at the first bytes and finds out what this is.
    ///
    /// # Errors
    /// When it is no capture, or cannot be read at all.
    pub fn open(mut source: R) -> Result<Self, ReadError> {
        let failed = |cause| ReadError { packet: 1, cause };
        let mut magic = Vec::with_capacity(2);
        source.by_ref().take(2).read_to_end(&mut magic).map_err(|error| failed(error.into()))?;
        let gzip = magic == [0x1f, 0x8b];
        let whole = std::io::Cursor::new(magic).chain(source);
        let mut buffer = Buffer::new(if gzip {
            Source::Gzip(Box::new(flate2::read::MultiGzDecoder::new(whole)))
        } else {
            Source::Plain(whole)
        });
        let format = open_format(&mut buffer).map_err(failed)?;
        Ok(Self { buffer, format, read: 0, ended: false })
    }

    /// The next packet; `None` at the end of a whole file.
    ///
    /// # Errors
    /// When the rest cannot be read; nothing follows after that.
    #[inline]
    pub fn next_frame(&mut self) -> Result<Option<Frame<'_>>, ReadError> {
        if self.ended {
            return Ok(None);
        }
        let found = match &mut self.format {
            Format::Pcap(format) => format.next(&mut self.buffer),
            Format::PcapNg(format) => format.next(&mut self.buffer),
        };
        match found {
            Ok(Some(Raw { at, link, begin, end })) => {
                self.read += 1;
                let at = at.clamp(0, LATEST);
                Ok(Some(Frame { number: self.read, at, link, data: self.buffer.taken(begin, end) }))
            }
            Ok(None) => {
                self.ended = true;
                Ok(None)
            }
            Err(cause) => {
                self.ended = true;
                Err(ReadError { packet: self.read + 1, cause })
            }
        }
    }

    /// Packets read so far.
    #[must_use]
    pub const fn packets(&self) -> u64 {
        self.read
    }
}

/// A packet as a place in the block that the buffer holds.
struct Raw {
    at: i64,
    link: LinkType,
    begin: usize,
    end: usize,
}

fn open_format<R: Read>(buffer: &mut Buffer<R>) -> Result<Format, Cause> {
    let Some(head) = buffer.peek(4)? else {
        return Err(if buffer.is_empty() { Cause::Empty } else { Cause::NotACapture });
    };
    if head == [0x0a, 0x0d, 0x0d, 0x0a] {
        return Ok(Format::PcapNg(PcapNg::default()));
    }
    Pcap::open(buffer).map(Format::Pcap)
}
