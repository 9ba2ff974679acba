//! What coding costs: equipment impairment and loss robustness by codec, each with its source.
//!
//! A codec for which nothing was published has no row, and a stream of it no score. Operators may declare rows of
//! their own; those replace the shipped ones of the same codec.

use serde::{Deserialize, Serialize};

/// The model and scale that a row's figures belong to. Scales are never mixed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Scale {
    /// Narrowband, 0 to 93.2.
    #[serde(rename = "G.107")]
    Narrowband,
    /// Wideband, 0 to 129.
    #[serde(rename = "G.107.1")]
    Wideband,
    /// Fullband (and super-wideband), 0 to 148.
    #[serde(rename = "G.107.2")]
    Fullband,
}

impl Scale {
    /// The recommendation's number.
    pub fn model(self) -> &'static str {
        match self {
            Self::Narrowband => "G.107",
            Self::Wideband => "G.107.1",
            Self::Fullband => "G.107.2",
        }
    }
}

/// How well a row's figures are supported, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// Published, and found alike in two independent sources.
    Published,
    /// Published, found in one source.
    SingleSource,
    /// Part of the row was not found in a source that could be read.
    Unverified,
    /// From a paper, not from the standard.
    Academic,
    /// Declared by the operator.
    Declared,
}

/// One row: a codec under one condition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CodecRow {
    /// SDP encoding names that the row is for; case does not matter.
    pub codecs: Vec<String>,
    /// The mode or bit rate that the row is for; none for all.
    #[serde(default)]
    pub variant: Option<String>,
    /// The row holds only when the stream's mode is stated, not as one of several possibilities.
    #[serde(default)]
    pub only_if_stated: bool,
    /// The receiver conceals losses; none where the row does not depend on it.
    #[serde(default)]
    pub plc: Option<bool>,
    /// Model and scale.
    pub scale: Scale,
    /// Equipment impairment factor.
    pub ie: f64,
    /// Loss robustness; none where none is published, and then only a stream without loss is scored.
    #[serde(default)]
    pub bpl: Option<f64>,
    /// How well supported.
    #[serde(default = "declared")]
    pub evidence: Evidence,
    /// Where the figures are from.
    #[serde(default)]
    pub source: String,
}

fn declared() -> Evidence {
    Evidence::Declared
}

/// Published impairments by codec, with where each comes from; more rows may be added from configuration.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CodecTable {
    rows: Vec<CodecRow>,
}

use Evidence::{Academic, Published, SingleSource, Unverified};
use Scale::{Fullband, Narrowband, Wideband};

/// Names, variant, concealment, scale, Ie, Bpl, evidence, source.
type Shipped =
    (&'static [&'static str], &'static str, Option<bool>, Scale, f64, Option<f64>, Evidence, &'static str);

const G711: &[&str] = &["PCMU", "PCMA"];
const G729: &[&str] = &["G729", "G729A", "G729B"];
const GSM_EFR: &[&str] = &["GSM-EFR"];
const AMR_WB: &[&str] = &["AMR-WB"];
const EVS: &[&str] = &["EVS"];
const OPUS: &[&str] = &["opus"];
const MONOTIC: &str = "G.113 IV.1, one ear";
const DIOTIC: &str = "G.113 IV.3 and IV.4, both ears";
const EVS_SOURCE: &str = "G.113, EVS super-wideband";

#[rustfmt::skip]
const STANDARD: &[Shipped] = &[
    (G711, "", Some(false), Narrowband, 0.0, Some(4.3), Published, "G.113 App. I, G.711 without concealment"),
    (G711, "", Some(true), Narrowband, 0.0, Some(25.1), Published, "G.113 App. I, G.711 with G.711 App. I concealment"),
    (&["G726-32"], "", None, Narrowband, 7.0, None, SingleSource, "G.113 App. I, G.726 at 32 kbit/s"),
    (&["G728"], "", None, Narrowband, 7.0, None, SingleSource, "G.113 App. I, G.728 at 16 kbit/s"),
    (G729, "annexb=no", None, Narrowband, 10.0, Some(19.0), Published, "G.113 App. I, G.729"),
    (G729, "annexb=yes", None, Narrowband, 11.0, Some(19.0), Published, "G.113 App. I, G.729A with voice activity detection"),
    (&["G723"], "6.3", None, Narrowband, 15.0, Some(16.1), Published, "G.113 App. I, G.723.1 at 6.3 kbit/s"),
    (&["G723"], "5.3", None, Narrowband, 19.0, None, SingleSource, "G.113 App. I, G.723.1 at 5.3 kbit/s"),
    (&["GSM"], "", None, Narrowband, 20.0, None, SingleSource, "G.113 App. I, GSM full rate"),
    (GSM_EFR, "", None, Narrowband, 5.0, Some(10.0), Unverified, "G.113 App. I, GSM enhanced full rate"),
    (AMR_WB, "6.6", None, Wideband, 41.0, None, SingleSource, MONOTIC),
    (AMR_WB, "8.85", None, Wideband, 26.0, None, SingleSource, MONOTIC),
    (AMR_WB, "12.65", None, Wideband, 13.0, None, SingleSource, MONOTIC),
    (AMR_WB, "14.25", None, Wideband, 10.0, None, SingleSource, MONOTIC),
    (AMR_WB, "15.85", None, Wideband, 7.0, None, SingleSource, MONOTIC),
    (AMR_WB, "18.25", None, Wideband, 5.0, None, SingleSource, MONOTIC),
    (AMR_WB, "19.85", None, Wideband, 3.0, None, SingleSource, MONOTIC),
    (AMR_WB, "23.05", None, Wideband, 1.0, None, SingleSource, MONOTIC),
    (AMR_WB, "23.85", None, Wideband, 8.0, None, SingleSource, MONOTIC),
    (AMR_WB, "6.6", None, Wideband, 56.0, None, SingleSource, DIOTIC),
    (AMR_WB, "8.85", None, Wideband, 41.0, None, SingleSource, DIOTIC),
    (AMR_WB, "12.65", None, Wideband, 20.0, Some(4.3), SingleSource, DIOTIC),
    (AMR_WB, "15.85", None, Wideband, 17.0, None, SingleSource, DIOTIC),
    (AMR_WB, "23.05", None, Wideband, 8.0, Some(4.6), SingleSource, DIOTIC),
    (AMR_WB, "23.85", None, Wideband, 10.0, Some(4.9), SingleSource, DIOTIC),
    (EVS, "swb-9.6", None, Fullband, 22.7, Some(13.0), SingleSource, EVS_SOURCE),
    (EVS, "swb-13.2", None, Fullband, 17.1, Some(11.7), SingleSource, EVS_SOURCE),
    (EVS, "swb-16.4", None, Fullband, 10.8, Some(10.3), SingleSource, EVS_SOURCE),
    (EVS, "swb-24.4", None, Fullband, 7.2, Some(11.4), SingleSource, EVS_SOURCE),
    (EVS, "swb-32", None, Fullband, 8.7, Some(9.3), SingleSource, EVS_SOURCE),
    (EVS, "swb-48", None, Fullband, 10.2, Some(9.6), SingleSource, EVS_SOURCE),
];

#[rustfmt::skip]
const ACADEMIC: &[Shipped] = &[
    (OPUS, "swb-40", None, Fullband, 10.67, Some(9.79), Academic, "published code of a paper, variable rate"),
    (OPUS, "swb-25", None, Fullband, 20.21, Some(11.28), Academic, "published code of a paper, variable rate"),
    (OPUS, "swb-14", None, Fullband, 38.06, None, Academic, "published code of a paper, variable rate"),
];

/// Codecs that are often met and have no row, and why.
const WITHOUT: &[(&str, &str)] = &[
    (
        "G722",
        "sources for the impairment of G.722 conflict (13 and 14 at 64 kbit/s); declare a row with its source",
    ),
    ("AMR", "G.113 gives no impairment for AMR narrowband"),
    ("opus", "no impairment for Opus is published by the ITU; declare a row to score it"),
    ("iLBC", "no impairment for iLBC is published by the ITU"),
    ("speex", "no impairment for Speex is published by the ITU"),
];

impl From<&Shipped> for CodecRow {
    fn from(row: &Shipped) -> Self {
        let (codecs, variant, plc, scale, ie, bpl, evidence, source) = *row;
        Self {
            codecs: codecs.iter().map(|name| (*name).to_owned()).collect(),
            variant: (!variant.is_empty()).then(|| variant.to_owned()),
            only_if_stated: scale == Fullband,
            plc,
            scale,
            ie,
            bpl,
            evidence,
            source: source.to_owned(),
        }
    }
}

impl CodecTable {
    /// The rows of G.113 and its peers that ship.
    pub fn standard() -> Self {
        Self { rows: STANDARD.iter().map(CodecRow::from).collect() }
    }

    /// Rows for Opus from a paper, for operators who accept them: `table.declare(CodecTable::academic_opus())`.
    pub fn academic_opus() -> Vec<CodecRow> {
        ACADEMIC.iter().map(CodecRow::from).collect()
    }

    /// Adds rows; for the codecs that they name they replace what was there.
    pub fn declare(&mut self, rows: Vec<CodecRow>) {
        for row in &rows {
            for name in &row.codecs {
                for known in &mut self.rows {
                    known.codecs.retain(|known| !known.eq_ignore_ascii_case(name));
                }
            }
        }
        self.rows.retain(|row| !row.codecs.is_empty());
        self.rows.extend(rows);
    }

    /// All rows.
    pub fn rows(&self) -> &[CodecRow] {
        &self.rows
    }

    /// The rows that may hold for a codec in a mode, with or without known concealment; or why there is none.
    pub fn matching(
        &self,
        codec: &str,
        variants: &[&str],
        plc: Option<bool>,
    ) -> Result<Vec<&CodecRow>, String> {
        if codec.is_empty() {
            return Err("the codec of the payload type is not known; SDP would say".to_owned());
        }
        let named = |row: &&CodecRow| row.codecs.iter().any(|name| name.eq_ignore_ascii_case(codec));
        let of_codec: Vec<&CodecRow> = self.rows.iter().filter(named).collect();
        if of_codec.is_empty() {
            let why = WITHOUT.iter().find(|(name, _)| name.eq_ignore_ascii_case(codec));
            return Err(why.map_or_else(
                || format!("no impairment is published for {codec}; declare a row to score it"),
                |(_, why)| (*why).to_owned(),
            ));
        }
        let in_mode = |row: &CodecRow| match &row.variant {
            None => true,
            Some(_) if variants.is_empty() => !row.only_if_stated,
            Some(variant) => variants.iter().any(|stated| stated.eq_ignore_ascii_case(variant)),
        };
        let fitting: Vec<&CodecRow> = of_codec
            .into_iter()
            .filter(|row| in_mode(row) && (plc.is_none() || row.plc.is_none() || row.plc == plc))
            .collect();
        if fitting.is_empty() {
            let stated =
                if variants.is_empty() { "an unstated mode".to_owned() } else { variants.join(", ") };
            return Err(format!("no impairment is published for {codec} in {stated}"));
        }
        Ok(fitting)
    }
}

/// The mode that a codec's payload size gives away, where it does: RFC 4867 (AMR-WB, one frame of 20 ms, both
/// packings) and RFC 3551 section 4.5.3 (G.723.1). Encryption adds bytes, so this is for clear streams.
pub fn mode_by_size(codec: &str, payload_bytes: u32) -> Option<&'static str> {
    if codec.eq_ignore_ascii_case("G723") {
        return match payload_bytes {
            bytes if bytes > 0 && bytes % 24 == 0 && bytes % 20 != 0 => Some("6.3"),
            bytes if bytes > 0 && bytes % 20 == 0 && bytes % 24 != 0 => Some("5.3"),
            _ => None,
        };
    }
    if !codec.eq_ignore_ascii_case("AMR-WB") {
        return None;
    }
    Some(match payload_bytes {
        18 | 19 => "6.6",
        24 | 25 => "8.85",
        33 | 34 => "12.65",
        37 | 38 => "14.25",
        41 | 42 => "15.85",
        47 | 48 => "18.25",
        51 | 52 => "19.85",
        59 | 60 => "23.05",
        61 | 62 => "23.85",
        _ => return None,
    })
}
