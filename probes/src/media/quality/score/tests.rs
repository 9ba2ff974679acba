//! Intervals, refusals and the table.

use super::super::playout::NAMES;
use super::*;

fn losses(expected: u64, lost: u64, runs: u64) -> Losses {
    Losses { expected, lost, runs, heard: Vec::new() }
}

fn coding(codec: &str) -> Coding<'_> {
    Coding { codec, packet_time_ms: Some(20.0), ..Coding::default() }
}

fn scored(losses: &Losses, coding: Coding<'_>, known: &Assumptions) -> (Option<Scored>, Model) {
    assess(losses, &[coding], &CodecTable::standard(), known)
}

#[track_caller]
fn near(got: f64, want: f64) {
    assert!((got - want).abs() <= 0.005, "{got}, wanted {want}");
}

#[test]
fn unknown_concealment_opens_the_interval_and_knowing_it_closes_it() {
    let lost = losses(1000, 30, 30);
    let (unknown, model) = scored(&lost, coding("pcma"), &Assumptions::default());
    let mos = unknown.unwrap().mos;
    near(mos.low, 2.794);
    near(mos.high, 4.134);
    assert_eq!((model.name, model.bpl_low, model.bpl_high), (Some("G.107"), Some(4.3), Some(25.1)));
    assert_eq!((model.ppl, model.burst_r, model.evidence), (3.0, Some(1.0), Some(Evidence::Published)));
    let concealed = Assumptions { plc: Some(true), ..Assumptions::default() };
    let mos = scored(&lost, coding("PCMA"), &concealed).0.unwrap().mos;
    assert_eq!(mos.low, mos.high);
    near(mos.low, 4.134);
}

#[test]
fn a_known_network_delay_adds_packet_time_and_buffer() {
    let mut clean = losses(1000, 0, 0);
    clean.heard = NAMES
        .iter()
        .zip([40.0, 60.0, 200.0, 50.0])
        .map(|(buffer, delay_ms)| Heard { buffer, delay_ms, bad: 0, runs: 0 })
        .collect();
    let known = Assumptions { network_delay_ms: Some(80.0), ..Assumptions::default() };
    let (scores, model) = scored(&clean, coding("PCMU"), &known);
    assert_eq!(model.delay_assumed_ms, Some(Interval { low: 140.0, high: 300.0 }));
    near(scores.unwrap().r_factor.low, 78.446);
    let buffer = Assumptions { buffer_ms: Some(45.0), ..known };
    let (_, model) = scored(&clean, coding("PCMU"), &buffer);
    assert_eq!(model.buffers, ["fixed_40"]);
}

#[test]
fn late_packets_cost_as_lost_ones_behind_a_short_buffer() {
    let mut late = losses(1000, 0, 0);
    late.heard = vec![
        Heard { buffer: "fixed_40", delay_ms: 40.0, bad: 30, runs: 30 },
        Heard { buffer: "fixed_200", delay_ms: 200.0, bad: 0, runs: 0 },
    ];
    let (scores, model) = scored(&late, coding("PCMU"), &Assumptions::default());
    let mos = scores.unwrap().mos;
    near(mos.low, 2.794);
    near(mos.high, 4.409);
    assert_eq!((model.ppl, model.ppl_heard), (0.0, Some(Interval { low: 0.0, high: 3.0 })));
}

#[test]
fn g729_is_not_scored_as_g711() {
    let (scores, model) = scored(&losses(1000, 0, 0), coding("G729"), &Assumptions::default());
    let mos = scores.unwrap().mos;
    near(mos.low, 4.105);
    assert!(mos.high < 4.2);
    assert_eq!((model.ie, model.ie_low_end), (Some(10.0), Some(11.0)));
    let plain = Coding { variant: Some("annexb=no"), ..coding("G729") };
    assert_eq!(scored(&losses(1000, 0, 0), plain, &Assumptions::default()).1.ie_low_end, Some(10.0));
}

#[test]
fn a_codec_without_published_impairment_gets_a_reason_and_no_number() {
    for codec in ["opus", "iLBC", "AMR", "G722", "speex", "SILK", ""] {
        let (scores, model) = scored(&losses(1000, 10, 10), coding(codec), &Assumptions::default());
        assert_eq!((scores, model.name), (None, None), "{codec}");
        assert!(!model.not_scorable.unwrap().is_empty());
        assert_eq!(model.ppl, 1.0, "the components stay");
    }
}

#[test]
fn a_codec_without_published_robustness_is_scored_only_while_nothing_is_lost() {
    near(scored(&losses(1000, 0, 0), coding("GSM"), &Assumptions::default()).0.unwrap().r_factor.low, 73.206);
    let (scores, model) = scored(&losses(1000, 1, 1), coding("GSM"), &Assumptions::default());
    assert_eq!(scores, None);
    assert!(model.not_scorable.unwrap().contains("Bpl"));
}

#[test]
fn the_payload_size_of_amr_wb_tells_its_mode_unless_encrypted() {
    let by_size = Coding { payload_bytes: 33, ..coding("AMR-WB") };
    let clean = losses(1000, 0, 0);
    let (scores, model) = scored(&clean, by_size, &Assumptions::default());
    near(scores.unwrap().mos.high, 4.337);
    assert_eq!((model.name, model.ie, model.ie_low_end), (Some("G.107.1"), Some(13.0), Some(20.0)));
    let hidden = Assumptions { encrypted: true, ..Assumptions::default() };
    assert_eq!(scored(&clean, by_size, &hidden).1.ie_low_end, Some(56.0));
    let (scores, _) = scored(&losses(1000, 20, 20), by_size, &Assumptions::default());
    near(scores.unwrap().mos.low, 3.406);
}

#[test]
fn evs_needs_its_bandwidth_stated() {
    let clean = losses(1000, 0, 0);
    assert_eq!(scored(&clean, coding("EVS"), &Assumptions::default()).0, None);
    let stated = Coding { variant: Some("swb-13.2"), ..coding("EVS") };
    let (scores, model) = scored(&clean, stated, &Assumptions::default());
    assert_eq!(model.name, Some("G.107.2"));
    near(scores.unwrap().r_factor.high, 130.9);
}

#[test]
fn scales_are_never_mixed() {
    let (scores, model) = assess(
        &losses(1000, 0, 0),
        &[coding("PCMA"), coding("AMR-WB")],
        &CodecTable::standard(),
        &Assumptions::default(),
    );
    assert_eq!(scores, None);
    assert!(model.not_scorable.unwrap().contains("scales"));
    let pcma_and_g729 = [coding("PCMA"), coding("G729")];
    let (scores, _) =
        assess(&losses(100, 0, 0), &pcma_and_g729, &CodecTable::standard(), &Assumptions::default());
    near(scores.unwrap().mos.high, 4.409);
}

#[test]
fn inputs_outside_the_models_domain_enter_at_its_edge_and_are_named() {
    let (scores, model) = scored(&losses(1000, 600, 2), coding("PCMA"), &Assumptions::default());
    assert_eq!(model.clamped, ["ppl", "burst_r"]);
    assert_eq!(model.ppl, 60.0, "the record keeps what was measured");
    assert!(scores.unwrap().mos.low >= 1.0);
}

#[test]
fn an_operator_may_declare_a_row_and_it_is_marked_as_declared() {
    let mut table = CodecTable::standard();
    let row =
        r#"{"codecs": ["G722"], "scale": "G.107.1", "ie": 14, "bpl": 10, "source": "our vendor's manual"}"#;
    table.declare(vec![serde_json::from_str(row).unwrap()]);
    let (scores, model) = assess(&losses(1000, 0, 0), &[coding("G722")], &table, &Assumptions::default());
    near(scores.unwrap().r_factor.high, 115.0);
    assert_eq!(
        (model.evidence, model.sources),
        (Some(Evidence::Declared), vec!["our vendor's manual".to_owned()])
    );
    table.declare(CodecTable::academic_opus());
    let opus = Coding { variant: Some("swb-40"), ..coding("opus") };
    let (_, model) = assess(&losses(1000, 0, 0), &[opus], &table, &Assumptions::default());
    assert_eq!(model.evidence, Some(Evidence::Academic));
    assert!(
        serde_json::from_str::<CodecRow>(r#"{"codecs": [], "scale": "G.107", "ie": 0, "blp": 4}"#).is_err()
    );
}

#[test]
fn declared_rows_replace_the_shipped_ones_of_their_codec_only() {
    let mut table = CodecTable::standard();
    let row = CodecRow { ie: 1.0, ..table.rows()[0].clone() };
    table.declare(vec![CodecRow { codecs: vec!["PCMU".to_owned()], ..row }]);
    assert_eq!(table.matching("PCMU", &[], None).unwrap().len(), 1);
    assert_eq!(table.matching("PCMA", &[], None).unwrap().len(), 2);
}
