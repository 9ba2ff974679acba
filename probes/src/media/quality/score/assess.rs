//! From losses to the interval of scores that they allow.

use super::super::burst::burst_ratio;
use super::codec::{CodecRow, CodecTable, Evidence, Scale, mode_by_size};
use super::emodel::{
    FULLBAND_MOST, NARROWBAND_MOST, Parameters, effective_impairment, fullband_mos, fullband_rating, mos,
    rating, wideband_mos, wideband_rating,
};
use super::{Assumptions, Interval, Model, Scored};

/// Domain of the loss model: G.107 clause 7.5 and its note on the burst ratio.
const PPL_MOST: f64 = 20.0;
const BURST_R_MOST: f64 = 2.0;
/// Below this delay Idd is zero in every recommendation here.
const FREE_DELAY_MS: f64 = 100.0;

/// Losses as they are heard behind one de-jitter buffer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Heard {
    /// The buffer's name.
    pub buffer: &'static str,
    /// The delay it adds.
    pub delay_ms: f64,
    /// Lost or late packets.
    pub bad: u64,
    /// Runs of them.
    pub runs: u64,
}

/// What was lost.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Losses {
    /// Sequence numbers due.
    pub expected: u64,
    /// Of these never received.
    pub lost: u64,
    /// Runs of lost ones.
    pub runs: u64,
    /// The same behind each simulated buffer; empty where none was simulated.
    pub heard: Vec<Heard>,
}

/// How the speech was coded.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Coding<'a> {
    /// Encoding name.
    pub codec: &'a str,
    /// Mode as SDP or configuration stated it.
    pub variant: Option<&'a str>,
    /// Payload bytes of most packets; 0 when unknown.
    pub payload_bytes: u32,
    /// Packet time.
    pub packet_time_ms: Option<f64>,
}

/// One combination of the unknown, rated.
struct Rated<'a> {
    row: &'a CodecRow,
    r: f64,
    mos: f64,
    burst_r: f64,
}

/// Scores losses of speech in any of these codings. Several codings mean that the stream changed among them.
///
/// The low end is the worst combination of codec row, concealment and buffer, the high end the best.
pub fn assess(
    losses: &Losses,
    codings: &[Coding<'_>],
    table: &CodecTable,
    known: &Assumptions,
) -> (Option<Scored>, Model) {
    let mut model = Model {
        ppl: percent(losses.lost, losses.expected),
        delay_ms: known.network_delay_ms,
        plc: known.plc,
        ..Model::default()
    };
    match combinations(losses, codings, table, known, &mut model) {
        Ok(scored) => (Some(scored), model),
        Err(why) => {
            model.not_scorable = Some(why);
            (None, model)
        }
    }
}

fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 * 100.0 / whole as f64 }
}

fn combinations(
    losses: &Losses,
    codings: &[Coding<'_>],
    table: &CodecTable,
    known: &Assumptions,
    model: &mut Model,
) -> Result<Scored, String> {
    if codings.is_empty() {
        return Err("no speech in this stream".to_owned());
    }
    if losses.expected == 0 {
        return Err("no packet was due".to_owned());
    }
    let heard = considered(losses, known);
    let rows = rows(codings, table, known, heard.iter().any(|heard| heard.bad > 0))?;
    let packet_time_ms = codings.iter().filter_map(|coding| coding.packet_time_ms).fold(0.0, f64::max);

    let mut worst: Option<Rated<'_>> = None;
    let mut best: Option<Rated<'_>> = None;
    for row in rows {
        note_row(row, model);
        for heard in &heard {
            let rated = rate(row, losses, heard, known, packet_time_ms, model);
            if best.as_ref().is_none_or(|best| rated.r > best.r) {
                best = Some(Rated { ..rated });
            }
            if worst.as_ref().is_none_or(|worst| rated.r < worst.r) {
                worst = Some(rated);
            }
        }
    }
    let (Some(worst), Some(best)) = (worst, best) else {
        return Err("no packet was due".to_owned());
    };
    let bad = |pick: fn(f64, f64) -> f64, from: f64| {
        heard.iter().map(|heard| percent(heard.bad, losses.expected)).fold(from, pick)
    };
    model.ppl_heard = Some(Interval { low: bad(f64::min, 100.0), high: bad(f64::max, 0.0) });
    model.buffers = heard.iter().map(|heard| heard.buffer).filter(|name| !name.is_empty()).collect();
    if known.network_delay_ms.is_none() {
        model.delay_assumed_ms = Some(Interval { low: 0.0, high: FREE_DELAY_MS });
    }
    model.name = Some(worst.row.scale.model());
    model.burst_r = (worst.row.scale == Scale::Narrowband).then_some(worst.burst_r);
    model.ie = Some(best.row.ie);
    model.ie_low_end = Some(worst.row.ie);
    model.bpl_low = worst.row.bpl;
    model.bpl_high = best.row.bpl;
    // Without loss all rows of one impairment rate alike; the robustness that would decide is still of interest.
    if worst.r == best.r {
        (model.bpl_low, model.bpl_high) = robustness(codings, table, known, worst.row.ie);
    }
    Ok(Scored {
        scale: worst.row.scale,
        r_factor: Interval { low: worst.r, high: best.r },
        mos: Interval { low: worst.mos, high: best.mos },
    })
}

/// The buffers that count: all simulated, the nearest to a stated one, or the bare network.
fn considered(losses: &Losses, known: &Assumptions) -> Vec<Heard> {
    let bare = Heard { buffer: "", delay_ms: 0.0, bad: losses.lost, runs: losses.runs };
    if losses.heard.is_empty() {
        return vec![bare];
    }
    let Some(stated_ms) = known.buffer_ms else { return losses.heard.clone() };
    let away = |heard: &&Heard| (heard.delay_ms - stated_ms).abs();
    let nearest = losses.heard.iter().min_by(|a, b| away(a).total_cmp(&away(b)));
    vec![nearest.copied().unwrap_or(bare)]
}

/// All rows that may hold; every coding must have one, and all must be of one scale.
fn rows<'a>(
    codings: &[Coding<'_>],
    table: &'a CodecTable,
    known: &Assumptions,
    any_bad: bool,
) -> Result<Vec<&'a CodecRow>, String> {
    let mut rows: Vec<&CodecRow> = Vec::new();
    for coding in codings {
        let of_coding = rows_of(coding, table, known)?;
        let robust: Vec<&CodecRow> =
            of_coding.into_iter().filter(|row| !any_bad || row.bpl.is_some()).collect();
        if robust.is_empty() {
            return Err(format!(
                "packets were lost or late and no loss robustness (Bpl) is published for {}",
                coding.codec
            ));
        }
        rows.extend(robust);
    }
    let scale = rows.first().map(|row| row.scale);
    if rows.iter().any(|row| Some(row.scale) != scale) {
        return Err("the stream changed between codecs whose models have different scales".to_owned());
    }
    Ok(rows)
}

fn rows_of<'a>(
    coding: &Coding<'_>,
    table: &'a CodecTable,
    known: &Assumptions,
) -> Result<Vec<&'a CodecRow>, String> {
    let by_size = mode_by_size(coding.codec, coding.payload_bytes).filter(|_| !known.encrypted);
    let variants: Vec<&str> = coding.variant.into_iter().chain(by_size).collect();
    table.matching(coding.codec, &variants, known.plc)
}

fn robustness(
    codings: &[Coding<'_>],
    table: &CodecTable,
    known: &Assumptions,
    ie: f64,
) -> (Option<f64>, Option<f64>) {
    let rows = codings.iter().filter_map(|coding| rows_of(coding, table, known).ok()).flatten();
    let bpl = rows.filter(|row| row.ie == ie).filter_map(|row| row.bpl);
    bpl.fold((None, None), |(low, high), bpl| {
        (Some(low.map_or(bpl, |low: f64| low.min(bpl))), Some(high.map_or(bpl, |high: f64| high.max(bpl))))
    })
}

fn note_row(row: &CodecRow, model: &mut Model) {
    let weakest = model.evidence.map_or(row.evidence, |known: Evidence| known.max(row.evidence));
    model.evidence = Some(weakest);
    if !row.source.is_empty() && !model.sources.contains(&row.source) {
        model.sources.push(row.source.clone());
    }
}

fn clamp(value: f64, most: f64, name: &'static str, model: &mut Model) -> f64 {
    if value <= most {
        return value;
    }
    if !model.clamped.contains(&name) {
        model.clamped.push(name);
    }
    most
}

fn rate<'a>(
    row: &'a CodecRow,
    losses: &Losses,
    heard: &Heard,
    known: &Assumptions,
    packet_time_ms: f64,
    model: &mut Model,
) -> Rated<'a> {
    let ppl = clamp(percent(heard.bad, losses.expected), PPL_MOST, "ppl", model);
    let ta_ms = known.network_delay_ms.map_or(0.0, |network_ms| network_ms + packet_time_ms + heard.delay_ms);
    if known.network_delay_ms.is_some() {
        let taken = model.delay_assumed_ms.get_or_insert(Interval { low: ta_ms, high: ta_ms });
        *taken = Interval { low: taken.low.min(ta_ms), high: taken.high.max(ta_ms) };
    }
    // Without loss the robustness does not matter, so any positive value serves.
    let bpl = row.bpl.unwrap_or(1.0);
    match row.scale {
        Scale::Narrowband => {
            let observed = burst_ratio(heard.bad, heard.runs, losses.expected);
            let burst_r = clamp(observed, BURST_R_MOST, "burst_r", model);
            let r = rating(&Parameters { ie: row.ie, bpl, ppl, burst_r, ta_ms, ..Parameters::default() }).r;
            Rated { row, r, mos: mos(r), burst_r }
        }
        Scale::Wideband => {
            let r = wideband_rating(effective_impairment(row.ie, bpl, ppl, 1.0, NARROWBAND_MOST), ta_ms);
            Rated { row, r, mos: wideband_mos(r), burst_r: 1.0 }
        }
        Scale::Fullband => {
            let r = fullband_rating(effective_impairment(row.ie, bpl, ppl, 1.0, FULLBAND_MOST), ta_ms);
            Rated { row, r, mos: fullband_mos(r), burst_r: 1.0 }
        }
    }
}
