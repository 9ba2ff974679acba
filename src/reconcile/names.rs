//! One list of names for a file, out of the lists of its pieces.
//!
//! Pieces are read in any order, so names first get a number as they come; at the end they are sorted,
//! and the records of each piece are renumbered when they are gathered. The numbers of the answer thus
//! depend on the file alone.

use std::collections::HashMap;

use linesman_cdr::record::{NO_NAME, Names, Record, flag};

/// A column with more different values than this names no gateways or accounts; it is left unnamed.
const MOST: usize = 60_000;
/// The same for currencies and technical prefixes.
const MOST_SHORT: usize = 200;

/// Renumbers the names of records.
#[derive(Debug, Clone, Default)]
pub(crate) struct Remap {
    gateways: Vec<u16>,
    accounts: Vec<u16>,
    currencies: Vec<u8>,
    techs: Vec<u8>,
    identity: bool,
}

impl Remap {
    /// One that does what this does and then what another does.
    pub(crate) fn then(&self, next: &Self) -> Self {
        let through = |own: &[u16], next: &[u16]| -> Vec<u16> {
            own.iter().map(|number| next.get(usize::from(*number)).copied().unwrap_or(NO_NAME)).collect()
        };
        let short = |own: &[u8], next: &[u8]| -> Vec<u8> {
            let after = |number: &u8| next.get(usize::from(*number).wrapping_sub(1)).copied().unwrap_or(0);
            own.iter().map(after).collect()
        };
        Self::new(
            through(&self.gateways, &next.gateways),
            through(&self.accounts, &next.accounts),
            short(&self.currencies, &next.currencies),
            short(&self.techs, &next.techs),
        )
    }

    /// Bytes of its tables.
    pub(crate) fn bytes(&self) -> usize {
        2 * (self.gateways.len() + self.accounts.len()) + self.currencies.len() + self.techs.len()
    }

    /// Renumbers records.
    pub(crate) fn renumber(&self, records: &mut [Record]) {
        if !self.identity {
            records.iter_mut().for_each(|record| self.apply(record));
        }
    }

    fn new(gateways: Vec<u16>, accounts: Vec<u16>, currencies: Vec<u8>, techs: Vec<u8>) -> Self {
        let kept = |table: &[u16]| (0u16..).zip(table).all(|(old, new)| *new == old);
        let kept_short = |table: &[u8]| (1u16..).zip(table).all(|(old, new)| u16::from(*new) == old);
        let identity = kept(&gateways) && kept(&accounts) && kept_short(&currencies) && kept_short(&techs);
        Self { gateways, accounts, currencies, techs, identity }
    }

    /// Renumbers one record.
    #[inline]
    fn apply(&self, record: &mut Record) {
        record.gateway = self.gateways.get(usize::from(record.gateway)).copied().unwrap_or(NO_NAME);
        record.account = self.accounts.get(usize::from(record.account)).copied().unwrap_or(NO_NAME);
        for (shift, table) in [(flag::TECH_SHIFT, &self.techs), (flag::CURRENCY_SHIFT, &self.currencies)] {
            let old = record.flags >> shift & 0xff;
            if old != 0 {
                let new = table.get(old as usize - 1).copied().unwrap_or(0);
                record.flags = record.flags & !(0xff << shift) | u32::from(new) << shift;
            }
        }
    }
}

/// Names of one kind, numbered as they come.
#[derive(Debug, Default)]
struct Kind {
    numbers: HashMap<String, u16>,
    crowded: bool,
}

impl Kind {
    /// The numbers of a piece's names; `None` for those beyond the limit.
    fn intern(&mut self, names: &[String], most: usize) -> Vec<Option<u16>> {
        names
            .iter()
            .map(|name| {
                if let Some(number) = self.numbers.get(name) {
                    return Some(*number);
                }
                let number = u16::try_from(self.numbers.len()).ok().filter(|next| usize::from(*next) < most);
                match number {
                    Some(number) => drop(self.numbers.insert(name.clone(), number)),
                    None => self.crowded = true,
                }
                number
            })
            .collect()
    }

    /// Sorted, and where each number went.
    fn finish(self) -> (Vec<String>, Vec<Option<u16>>) {
        let mut sorted: Vec<(String, u16)> = self.numbers.into_iter().collect();
        sorted.sort_unstable();
        let mut places = vec![None; sorted.len()];
        if self.crowded {
            return (Vec::new(), places);
        }
        for (place, (_, number)) in (0u16..).zip(&sorted) {
            places[usize::from(*number)] = Some(place);
        }
        (sorted.into_iter().map(|(name, _)| name).collect(), places)
    }
}

/// Collects the names of a file.
#[derive(Debug, Default)]
pub(crate) struct NameBook {
    gateways: Kind,
    accounts: Kind,
    currencies: Kind,
    techs: Kind,
}

impl NameBook {
    /// Takes the names of a piece; renumbers its records to this book's.
    pub(crate) fn intern(&mut self, names: &Names) -> Remap {
        Remap::new(
            long(&self.gateways.intern(&names.gateways, MOST)),
            long(&self.accounts.intern(&names.accounts, MOST)),
            short(&self.currencies.intern(&names.currencies, MOST_SHORT)),
            short(&self.techs.intern(&names.techs, MOST_SHORT)),
        )
    }

    /// The names, sorted, and what brings this book's numbers to theirs.
    pub(crate) fn finish(self) -> (Names, Remap) {
        let (gateways, gateway_places) = self.gateways.finish();
        let (accounts, account_places) = self.accounts.finish();
        let (currencies, currency_places) = self.currencies.finish();
        let (techs, tech_places) = self.techs.finish();
        let remap = Remap::new(
            long(&gateway_places),
            long(&account_places),
            short(&currency_places),
            short(&tech_places),
        );
        (Names { gateways, accounts, currencies, techs }, remap)
    }
}

fn long(places: &[Option<u16>]) -> Vec<u16> {
    places.iter().map(|place| place.unwrap_or(NO_NAME)).collect()
}

/// Records hold these plus one; 0 is none.
fn short(places: &[Option<u16>]) -> Vec<u8> {
    places.iter().map(|place| place.and_then(|place| u8::try_from(place + 1).ok()).unwrap_or(0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(gateways: &[&str], techs: &[&str]) -> Names {
        let owned = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect();
        Names { gateways: owned(gateways), techs: owned(techs), ..Names::default() }
    }

    fn through(pieces: &[Names]) -> (Names, Vec<Vec<String>>) {
        let mut book = NameBook::default();
        let remaps: Vec<Remap> = pieces.iter().map(|piece| book.intern(piece)).collect();
        let (all, last) = book.finish();
        let seen = pieces
            .iter()
            .zip(remaps)
            .map(|(piece, remap)| {
                (0u16..)
                    .zip(&piece.gateways)
                    .map(|(gateway, _)| {
                        let mut record =
                            Record { gateway, flags: 1 << flag::TECH_SHIFT, ..bytemuck::Zeroable::zeroed() };
                        remap.then(&last).renumber(std::slice::from_mut(&mut record));
                        let tech = record.tech().map_or("", |tech| all.techs[tech].as_str());
                        format!("{}/{tech}", all.gateways[usize::from(record.gateway)])
                    })
                    .collect()
            })
            .collect();
        (all, seen)
    }

    #[test]
    fn every_record_keeps_its_name_whatever_order_the_pieces_come_in() {
        let pieces = [names(&["gw9", "gw1"], &["9913#"]), names(&["gw1", "gw5"], &["11*"])];
        let (all, seen) = through(&pieces);
        assert_eq!(all.gateways, ["gw1", "gw5", "gw9"]);
        assert_eq!(seen, [["gw9/9913#", "gw1/9913#"], ["gw1/11*", "gw5/11*"]]);
        let mut back = pieces;
        back.reverse();
        assert_eq!(through(&back).0, all);
    }

    #[test]
    fn a_column_that_is_different_in_every_line_names_nothing() {
        let many: Vec<String> = (0..70_000).map(|number| format!("call-{number}")).collect();
        let mut book = NameBook::default();
        book.intern(&Names { gateways: many, accounts: vec!["a".to_owned()], ..Names::default() });
        let (all, remap) = book.finish();
        assert!(all.gateways.is_empty());
        assert_eq!(all.accounts, ["a"]);
        let mut record = Record { gateway: 3, account: 0, ..bytemuck::Zeroable::zeroed() };
        remap.apply(&mut record);
        assert_eq!((record.gateway, record.account), (NO_NAME, 0));
    }
}
