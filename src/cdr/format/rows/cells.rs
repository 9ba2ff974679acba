//! The fields of one row, by the marks of their ends.

/// The fields of one row.
#[derive(Clone, Copy)]
pub(super) struct Cells<'a> {
    pub(super) text: &'a [u8],
    /// What `ends` counts from.
    pub(super) base: usize,
    /// Where the row begins.
    pub(super) start: usize,
    pub(super) ends: &'a [u32],
    /// Whether fields may be quoted.
    pub(super) quoted: bool,
}

impl<'a> Cells<'a> {
    /// Where a field begins and ends, without its quotes; nothing where there is no such column.
    #[inline(always)]
    pub(super) fn at(&self, column: u16) -> (usize, usize) {
        let column = usize::from(column);
        let Some(end) = self.ends.get(column) else { return (0, 0) };
        let to = self.base + *end as usize;
        let from = if column == 0 {
            self.start
        } else {
            self.base + self.ends.get(column - 1).map_or(0, |end| *end as usize) + 1
        };
        if self.quoted { self.unquoted(from, to) } else { (from, to) }
    }

    fn unquoted(&self, from: usize, to: usize) -> (usize, usize) {
        let quote = |at: usize| self.text.get(at) == Some(&b'"');
        if to >= from + 2 && quote(from) && quote(to - 1) { (from + 1, to - 1) } else { (from, to) }
    }

    pub(super) fn get(&self, column: u16) -> &'a [u8] {
        let (from, to) = self.at(column);
        self.text.get(from..to).unwrap_or_default()
    }
}
