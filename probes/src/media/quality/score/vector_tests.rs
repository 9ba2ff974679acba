//! The model against published and independently computed values; MOS within 0.005, R within 0.005.

use super::emodel::*;

#[track_caller]
fn near(what: &str, got: f64, want: f64) {
    assert!((got - want).abs() <= 0.005, "{what}: {got:.4}, wanted {want}");
}

#[track_caller]
fn narrowband(p: Parameters, r: f64, opinion: f64) {
    let rated = rating(&p);
    near("R", rated.r, r);
    near("MOS", mos(rated.r), opinion);
}

fn lossy(ie: f64, bpl: f64, ppl: f64) -> Parameters {
    Parameters { ie, bpl, ppl, ..Parameters::default() }
}

#[test]
fn the_defaults_give_93_2_and_its_parts() {
    let rated = rating(&Parameters::default());
    near("Ro", rated.ro, 94.768822);
    near("Is", rated.is, 1.413568);
    near("Idle", rated.idle, 0.149046);
    assert!((rated.r - 93.206_207_723).abs() < 1e-8, "{}", rated.r);
    narrowband(Parameters::default(), 93.206, 4.409);
}

#[test]
fn delay_costs_what_g107_says() {
    for (ta_ms, idd, r, opinion) in [
        (150.0, 0.164, 93.043, 4.406),
        (200.0, 3.044, 90.162, 4.343),
        (300.0, 14.761, 78.446, 3.964),
        (400.0, 24.070, 69.136, 3.556),
    ] {
        near("Idd", delay_impairment(ta_ms, 1.0, 100.0), idd);
        narrowband(Parameters { ta_ms, ..Parameters::default() }, r, opinion);
    }
}

#[test]
fn g711_without_concealment_falls_fast() {
    narrowband(lossy(0.0, 4.3, 1.0), 75.282, 3.834);
    narrowband(lossy(0.0, 4.3, 3.0), 54.165, 2.794);
    narrowband(lossy(0.0, 4.3, 20.0), 15.017, 1.124);
}

#[test]
fn g711_with_concealment_falls_slowly_and_faster_in_bursts() {
    narrowband(lossy(0.0, 25.1, 1.0), 89.566, 4.328);
    narrowband(lossy(0.0, 25.1, 3.0), 83.064, 4.134);
    narrowband(lossy(0.0, 25.1, 5.0), 77.425, 3.923);
    narrowband(Parameters { burst_r: 2.0, ..lossy(0.0, 25.1, 5.0) }, 75.996, 3.864);
    narrowband(lossy(0.0, 25.1, 10.0), 66.141, 3.411);
    narrowband(Parameters { ta_ms: 200.0, ..lossy(0.0, 25.1, 2.0) }, 83.151, 4.137);
}

#[test]
fn coded_speech_starts_lower() {
    narrowband(lossy(11.0, 19.0, 0.0), 82.206, 4.105);
    narrowband(lossy(11.0, 19.0, 1.0), 78.006, 3.946);
    narrowband(Parameters { ta_ms: 150.0, ..lossy(11.0, 19.0, 3.0) }, 70.588, 3.624);
    narrowband(lossy(15.0, 16.1, 2.0), 69.366, 3.567);
    narrowband(lossy(5.0, 10.0, 2.0), 73.206, 3.744);
}

#[test]
fn echo_costs_talker_and_listener() {
    let p = Parameters { t_ms: 100.0, ta_ms: 100.0, tr_ms: 200.0, telr: 55.0, ..Parameters::default() };
    let rated = rating(&p);
    near("Idte", rated.idte, 6.520);
    near("Idle", rated.idle, 0.728);
    narrowband(p, 86.107, 4.232);
}

#[test]
fn wideband_has_its_own_scale() {
    for (ie, bpl, ppl, r, opinion) in
        [(13.0, 4.3, 0.0, 116.0, 4.337), (41.0, 4.3, 0.0, 88.0, 3.512), (20.0, 4.3, 2.0, 85.190, 3.406)]
    {
        let rated = wideband_rating(effective_impairment(ie, bpl, ppl, 1.0, NARROWBAND_MOST), 0.0);
        near("R", rated, r);
        near("MOS", wideband_mos(rated), opinion);
    }
}

#[test]
fn fullband_has_its_own_scale() {
    let rated = fullband_rating(effective_impairment(17.1, 11.7, 0.0, 1.0, FULLBAND_MOST), 0.0);
    near("R", rated, 130.9);
    near("MOS", fullband_mos(rated), mos(130.9 / 1.48));
    near("delay", fullband_rating(0.0, 200.0), 148.0 - 1.48 * 3.0444);
}

#[test]
fn opinions_follow_the_published_table_and_stay_on_their_scale() {
    for (r, opinion) in [(90.0, 4.339), (80.0, 4.024), (70.0, 3.597), (60.0, 3.100), (50.0, 2.575)] {
        near("MOS", mos(r), opinion);
    }
    assert_eq!((mos(-5.0), mos(3.0), mos(0.0), mos(100.0), mos(140.0)), (1.0, 1.0, 1.0, 4.5, 4.5));
}

#[test]
fn opinions_lead_back_to_their_rating() {
    for r in [93.2, 80.0, 70.0, 50.0] {
        near("R", r_from_mos(mos(r)), r);
    }
}

#[test]
fn more_loss_never_scores_better() {
    let opinions = (0..=1000).map(|permille| mos(rating(&lossy(0.0, 25.1, f64::from(permille) / 10.0)).r));
    let opinions: Vec<f64> = opinions.collect();
    assert!(opinions.windows(2).all(|pair| pair[1] <= pair[0]));
}
