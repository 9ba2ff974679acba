//! The patient way from a row to its record: any field as it may be written, and what is wrong with it.

use super::cells::Cells;
use super::{Memory, NOWHERE, Read, RowReader};
use crate::format::SpanStyle;
use crate::format::assemble::Given;
use crate::format::field::words::Counted;
use crate::format::field::{Fault, Wrong, bare, decimal, is_blank, number, span, words};
use crate::number::Number;
use crate::record::{ABSENT, ABSENT_32, NO_NAME, Record, flag};

const fn fault(wrong: Wrong, column: u16) -> Fault {
    Fault { wrong, column: if column == NOWHERE { None } else { Some(column) } }
}

impl RowReader {
    /// Puts the record of one row to the others.
    #[inline(always)]
    pub(super) fn record(
        &self,
        cells: &Cells<'_>,
        place: u64,
        memory: &mut Memory,
        records: &mut Vec<Record>,
    ) -> Result<Read, Fault> {
        let columns = &self.columns;
        let mut flags = 0;
        if columns.kind != NOWHERE {
            let kind = bare(cells.get(columns.kind));
            if words::is_one_of(kind, &self.skipped) {
                return Ok(Read::Skipped);
            }
            if words::is_one_of(kind, &self.interim) {
                flags |= flag::INTERIM;
            }
        }
        let given = Given {
            start: self.start(cells, memory)?,
            answer: self.other_time(cells, columns.answer, memory)?,
            end: self.other_time(cells, columns.end, memory)?,
            talk: self.span(cells, columns.talk, self.spans.talk)?,
            total: self.other_span(cells, columns.total, self.spans.total)?,
            ring: self.other_span(cells, columns.ring, self.spans.ring)?,
            billed: self.span(cells, columns.billed, self.spans.billed)?,
            answered: if columns.disposition == NOWHERE {
                None
            } else {
                words::answered(cells.get(columns.disposition), &self.answered)
            },
            says_answer: columns.answer != NOWHERE,
        };
        let meant = match given.meant() {
            // A mark that the call goes on, as BroadWorks writes it: without an end, so without a length.
            Err(Wrong::NoSpan) if flags & flag::INTERIM != 0 => return Ok(Read::Skipped),
            meant => meant.map_err(|wrong| self.blame(wrong))?,
        };
        flags |= meant.flags;
        // What stood before the caller's digits says nothing.
        let caller = self.party(cells, columns.caller, None)?;
        let callee = self.party(cells, columns.callee, Some((&mut memory.techs, &mut flags)))?;
        if callee.is_none() && flags & flag::ATTEMPT == 0 {
            return Err(fault(Wrong::NoCallee, columns.callee));
        }
        let amount = self.amount(cells)?;
        flags |= amount.decimals << flag::DECIMALS_SHIFT;
        let rate = self.decimal(cells, columns.rate)?;
        if columns.currency != NOWHERE {
            flags |= self.currency(cells, memory)? << flag::CURRENCY_SHIFT;
        }
        let (id_from, id_to) = cells.at(columns.call_id);
        records.push(Record {
            caller,
            callee,
            start_ms: meant.start_ms,
            amount: amount.value,
            rate: rate.value,
            place: place + cells.start as u64,
            talk_ms: meant.talk_ms,
            billed_s: if given.billed == ABSENT_32 { ABSENT_32 } else { (given.billed + 500) / 1000 },
            ring_ms: meant.ring_ms,
            call_id: if id_from == id_to { 0 } else { words::identity(cells.text, id_from, id_to) },
            flags,
            gateway: name(cells, columns.gateway, &mut memory.gateways),
            account: name(cells, columns.account, &mut memory.accounts),
        });
        Ok(Read::Record)
    }

    #[inline(always)]
    fn start(&self, cells: &Cells<'_>, memory: &mut Memory) -> Result<i64, Fault> {
        let columns = &self.columns;
        if columns.start == NOWHERE && columns.date != NOWHERE {
            let read = memory.times.split(cells.get(columns.date), cells.get(columns.time_of_day));
            return read.map_err(|wrong| {
                fault(wrong, if wrong == Wrong::NoTimeOfDay { columns.time_of_day } else { columns.date })
            });
        }
        self.time(cells, columns.start, memory)
    }

    #[inline(always)]
    fn time(&self, cells: &Cells<'_>, column: u16, memory: &mut Memory) -> Result<i64, Fault> {
        if column == NOWHERE {
            return Ok(ABSENT);
        }
        let (from, to) = cells.at(column);
        memory.times.read(cells.text, from, to).map_err(|wrong| fault(wrong, column))
    }

    #[inline(always)]
    pub(super) fn span(&self, cells: &Cells<'_>, column: u16, style: SpanStyle) -> Result<u32, Fault> {
        if column == NOWHERE {
            return Ok(ABSENT_32);
        }
        let (from, to) = cells.at(column);
        span::read(cells.text, from, to, style, self.decimals).map_err(|wrong| fault(wrong, column))
    }

    /// As [`RowReader::time`], for columns that most files have not: their code stays out of the way.
    #[inline(always)]
    fn other_time(&self, cells: &Cells<'_>, column: u16, memory: &mut Memory) -> Result<i64, Fault> {
        #[inline(never)]
        fn read(
            reader: &RowReader,
            cells: &Cells<'_>,
            column: u16,
            memory: &mut Memory,
        ) -> Result<i64, Fault> {
            reader.time(cells, column, memory)
        }
        if column == NOWHERE { Ok(ABSENT) } else { read(self, cells, column, memory) }
    }

    /// As [`RowReader::span`], likewise.
    #[inline(always)]
    fn other_span(&self, cells: &Cells<'_>, column: u16, style: SpanStyle) -> Result<u32, Fault> {
        #[inline(never)]
        fn read(reader: &RowReader, cells: &Cells<'_>, column: u16, style: SpanStyle) -> Result<u32, Fault> {
            reader.span(cells, column, style)
        }
        if column == NOWHERE { Ok(ABSENT_32) } else { read(self, cells, column, style) }
    }

    #[inline(always)]
    fn party(
        &self,
        cells: &Cells<'_>,
        column: u16,
        techs: Option<(&mut Counted, &mut u32)>,
    ) -> Result<Number, Fault> {
        let (from, to) = cells.at(column);
        if from == to {
            return Ok(Number::NONE);
        }
        if let Some(number) = number::plain(cells.text, from, to) {
            return Ok(number);
        }
        let raw = cells.text.get(from..to).unwrap_or_default();
        any_party(raw, techs).map_err(|wrong| fault(wrong, column))
    }

    #[inline(always)]
    pub(super) fn decimal(&self, cells: &Cells<'_>, column: u16) -> Result<decimal::Decimal, Fault> {
        const NONE: decimal::Decimal = decimal::Decimal { value: ABSENT, decimals: 0 };
        let (from, to) = cells.at(column);
        if from == to {
            return Ok(NONE);
        }
        if let Some(read) = decimal::plain(cells.text, from, to, self.decimals.point) {
            return Ok(read);
        }
        let read = decimal::any(cells.text.get(from..to).unwrap_or_default(), self.decimals);
        read.map(|read| read.unwrap_or(NONE)).map_err(|wrong| fault(wrong, column))
    }

    /// What was charged.
    #[inline(always)]
    pub(super) fn amount(&self, cells: &Cells<'_>) -> Result<decimal::Decimal, Fault> {
        let amount = self.decimal(cells, self.columns.amount)?;
        if self.credits && amount.value != ABSENT {
            return Ok(decimal::Decimal { value: -amount.value, ..amount });
        }
        Ok(amount)
    }

    /// Its number plus one; 0 for none.
    pub(super) fn currency(&self, cells: &Cells<'_>, memory: &mut Memory) -> Result<u32, Fault> {
        let (from, to) = cells.at(self.columns.currency);
        if from == to {
            return Ok(0);
        }
        let raw = cells.text.get(from..to).unwrap_or_default();
        if let Some(number) = memory.currencies.known(raw) {
            return Ok(u32::from(number) + 1);
        }
        let name = words::currency(raw);
        if name.is_empty() || is_blank(name.as_bytes()) {
            return Ok(0);
        }
        match memory.currencies.named(raw, &name) {
            Some(number) => Ok(u32::from(number) + 1),
            None => Err(fault(Wrong::Currencies, self.columns.currency)),
        }
    }

    /// The column that is to blame where it took several to find out.
    fn blame(&self, wrong: Wrong) -> Fault {
        let column = match wrong {
            Wrong::EndBeforeAnswer | Wrong::LongSpan => self.columns.end,
            _ => NOWHERE,
        };
        fault(wrong, column)
    }
}

#[cold]
#[inline(never)]
fn any_party(raw: &[u8], techs: Option<(&mut Counted, &mut u32)>) -> Result<Number, Wrong> {
    let party = number::any(&words::unquoted(raw))?;
    if !party.tech.is_empty()
        && let Some((techs, flags)) = techs
        && let Some(number) = techs.number(&party.tech, 0, party.tech.len())
    {
        *flags |= (u32::from(number) + 1) << flag::TECH_SHIFT;
    }
    Ok(party.number)
}

#[inline(always)]
fn name(cells: &Cells<'_>, column: u16, names: &mut Counted) -> u16 {
    let (from, to) = cells.at(column);
    if from == to { NO_NAME } else { names.number(cells.text, from, to).unwrap_or(NO_NAME) }
}
