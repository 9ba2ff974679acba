//! Packet time from timestamps: how much media time a packet in sequence adds, in microseconds of any clock.

/// A new step must repeat this often before it is a change and not the end of a silence.
const SETTLES_AFTER: u8 = 5;

/// Steps seen between packets in sequence.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct PacketTime {
    /// The step that holds now, in microseconds.
    running: u32,
    /// Another step and how often it came in a row.
    other: u32,
    other_in_a_row: u8,
    changes: u32,
    /// Most used step and its lead (Boyer and Moore's majority).
    most: u32,
    lead: u32,
}

impl PacketTime {
    /// A packet in sequence was this much later in media time than the one before.
    #[inline]
    pub(super) fn step(&mut self, step_us: u32) {
        if step_us == self.most {
            self.lead = self.lead.saturating_add(1);
        } else if self.lead == 0 {
            (self.most, self.lead) = (step_us, 1);
        } else {
            self.lead -= 1;
        }
        if step_us == self.running {
            self.other_in_a_row = 0;
        } else if self.running == 0 {
            self.running = step_us;
        } else {
            self.another(step_us);
        }
    }

    fn another(&mut self, step_us: u32) {
        if step_us != self.other {
            (self.other, self.other_in_a_row) = (step_us, 0);
        }
        self.other_in_a_row += 1;
        if self.other_in_a_row >= SETTLES_AFTER {
            self.running = step_us;
            self.other_in_a_row = 0;
            self.changes += 1;
        }
    }

    /// The next packet does not follow the one before.
    pub(super) fn break_run(&mut self) {
        self.other_in_a_row = 0;
    }

    /// The step that holds now; none before two packets came in sequence.
    pub(super) fn running_us(&self) -> Option<u32> {
        (self.running > 0).then_some(self.running)
    }

    /// The step most in use.
    pub(super) fn most_us(&self) -> Option<u32> {
        (self.most > 0).then_some(self.most)
    }

    /// How often the step changed for good.
    pub(super) fn changes(&self) -> u32 {
        self.changes
    }
}
