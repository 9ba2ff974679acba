//! Several captures as one, in the order of time: a ring of files, or two taps of one moment.

use std::io::Read;

use super::{Capture, Frame, LinkType, ReadError};

/// A file that could not be read to its end.
#[derive(Debug)]
pub struct Broken {
    /// Which of the files, from 0.
    pub file: usize,
    /// Where and why.
    pub error: ReadError,
}

/// The packet at the head of one file.
struct Waiting<R> {
    file: usize,
    capture: Capture<R>,
    at: i64,
    number: u64,
    link: LinkType,
    data: Vec<u8>,
}

/// Reads captures by time. Within a file its own order is kept, also where its clock steps back.
pub struct Merge<R> {
    waiting: Vec<Waiting<R>>,
    /// Whose packet was handed out last and is to be replaced.
    current: Option<usize>,
    broken: Vec<Broken>,
    packets: u64,
    only: bool,
}

impl<R: Read> Merge<R> {
    /// Opens all; those that cannot be opened are among [`Merge::broken`].
    #[must_use]
    pub fn new(sources: Vec<R>) -> Self {
        let only = sources.len() == 1;
        let mut merge = Self { waiting: Vec::new(), current: None, broken: Vec::new(), packets: 0, only };
        for (file, source) in sources.into_iter().enumerate() {
            match Capture::open(source) {
                Ok(capture) => {
                    let link = LinkType(0);
                    merge.waiting.push(Waiting { file, capture, at: 0, number: 0, link, data: Vec::new() });
                    if !only {
                        merge.advance(merge.waiting.len() - 1);
                    }
                }
                Err(error) => merge.broken.push(Broken { file, error }),
            }
        }
        merge
    }

    /// The next packet of all.
    #[inline]
    pub fn next_frame(&mut self) -> Option<Frame<'_>> {
        if self.only {
            return self.next_of_one();
        }
        if let Some(current) = self.current.take() {
            self.advance(current);
        }
        let next = (0..self.waiting.len()).min_by_key(|index| self.waiting[*index].at)?;
        self.current = Some(next);
        self.packets += 1;
        let Waiting { at, number, link, data, .. } = self.waiting.get(next)?;
        Some(Frame { number: *number, at: *at, link: *link, data })
    }

    /// With one file nothing need be kept.
    #[inline]
    fn next_of_one(&mut self) -> Option<Frame<'_>> {
        let Waiting { file, capture, .. } = self.waiting.first_mut()?;
        match capture.next_frame() {
            Ok(found) => {
                self.packets += u64::from(found.is_some());
                found
            }
            Err(error) => {
                self.broken.push(Broken { file: *file, error });
                None
            }
        }
    }

    /// Brings the next packet of one file to its head, or takes the file out.
    fn advance(&mut self, index: usize) {
        let waiting = &mut self.waiting[index];
        match waiting.capture.next_frame() {
            Ok(Some(frame)) => {
                (waiting.at, waiting.number, waiting.link) = (frame.at, frame.number, frame.link);
                waiting.data.clear();
                waiting.data.extend_from_slice(frame.data);
            }
            Ok(None) => drop(self.waiting.remove(index)),
            Err(error) => {
                self.broken.push(Broken { file: waiting.file, error });
                self.waiting.remove(index);
            }
        }
    }

    /// Of which file the packet was that was handed out last, from 0.
    #[must_use]
    pub fn last_file(&self) -> usize {
        self.current.and_then(|current| self.waiting.get(current)).map_or(0, |waiting| waiting.file)
    }

    /// Files that could not be read to their end, so far.
    #[must_use]
    pub fn broken(&self) -> &[Broken] {
        &self.broken
    }

    /// Packets read so far.
    #[must_use]
    pub const fn packets(&self) -> u64 {
        self.packets
    }
}
