//! The E-model, ITU-T G.107 (06/2015): from planning values to the transmission rating R, and from R to opinions.
//!
//! Clause numbers are G.107's. Absent: the corrections for a sidetone masking rating outside 9 to 20 dB, which no
//! measured value here reaches.

/// Everything that enters the model; the default is G.107's Table 2.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Parameters {
    /// Send loudness rating, dB.
    pub slr: f64,
    /// Receive loudness rating, dB.
    pub rlr: f64,
    /// Sidetone masking rating, dB.
    pub stmr: f64,
    /// Listener sidetone rating, dB.
    pub lstr: f64,
    /// D-value of the telephone, send side.
    pub ds: f64,
    /// Talker echo loudness rating, dB.
    pub telr: f64,
    /// Weighted echo path loss, dB.
    pub wepl: f64,
    /// Mean one-way delay of the echo path, ms.
    pub t_ms: f64,
    /// Round-trip delay in the four-wire loop, ms.
    pub tr_ms: f64,
    /// Absolute delay of echo-free connections, ms.
    pub ta_ms: f64,
    /// Quantising distortion units.
    pub qdu: f64,
    /// Equipment impairment factor.
    pub ie: f64,
    /// Packet-loss robustness factor.
    pub bpl: f64,
    /// Random packet loss, percent.
    pub ppl: f64,
    /// Burst ratio.
    pub burst_r: f64,
    /// Circuit noise at the 0 dBr point, dBm0p.
    pub nc: f64,
    /// Noise floor at the receive side, dBmp.
    pub nfor: f64,
    /// Room noise, send side, dB(A).
    pub ps: f64,
    /// Room noise, receive side, dB(A).
    pub pr: f64,
    /// Advantage factor.
    pub a: f64,
    /// Delay sensitivity sT; 1 for a class of users that is not known.
    pub delay_sensitivity: f64,
    /// Least perceivable delay mT, ms.
    pub least_delay_ms: f64,
}

impl Default for Parameters {
    fn default() -> Self {
        Self {
            slr: 8.0,
            rlr: 2.0,
            stmr: 15.0,
            lstr: 18.0,
            ds: 3.0,
            telr: 65.0,
            wepl: 110.0,
            t_ms: 0.0,
            tr_ms: 0.0,
            ta_ms: 0.0,
            qdu: 1.0,
            ie: 0.0,
            bpl: 4.3,
            ppl: 0.0,
            burst_r: 1.0,
            nc: -70.0,
            nfor: -64.0,
            ps: 35.0,
            pr: 35.0,
            a: 0.0,
            delay_sensitivity: 1.0,
            least_delay_ms: 100.0,
        }
    }
}

/// R and what it is made of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rating {
    /// Basic signal-to-noise ratio (7.2).
    pub ro: f64,
    /// Simultaneous impairment (7.3).
    pub is: f64,
    /// Talker echo (7.4).
    pub idte: f64,
    /// Listener echo (7.4).
    pub idle: f64,
    /// Absolute delay (7.4).
    pub idd: f64,
    /// Effective equipment impairment (7.5).
    pub ie_eff: f64,
    /// The rating, not limited to its scale.
    pub r: f64,
}

/// Ten to the power of a tenth.
fn power(decibel: f64) -> f64 {
    10_f64.powf(decibel / 10.0)
}

/// The transmission rating, clause 7.1.
pub fn rating(p: &Parameters) -> Rating {
    let olr = p.slr + p.rlr;
    let no = noise(p, olr);
    let ro = 15.0 - 1.5 * (p.slr + no);
    let is = simultaneous(p, olr, no, ro);
    let (idte, idle) = echo(p, no, ro);
    let idd = delay_impairment(p.ta_ms, p.delay_sensitivity, p.least_delay_ms);
    let ie_eff = effective_impairment(p.ie, p.bpl, p.ppl, p.burst_r, NARROWBAND_MOST);
    Rating { ro, is, idte, idle, idd, ie_eff, r: ro - is - (idte + idle + idd) - ie_eff + p.a }
}

/// Sum of all noise powers, clause 7.2.
fn noise(p: &Parameters, olr: f64) -> f64 {
    let nfo = p.nfor + p.rlr;
    let pre = p.pr + 10.0 * (1.0 + power(10.0 - p.lstr)).log10();
    let nor = p.rlr - 121.0 + pre + 0.008 * (pre - 35.0).powi(2);
    let nos = p.ps - p.slr - p.ds - 100.0 + 0.004 * (p.ps - olr - p.ds - 14.0).powi(2);
    10.0 * (power(p.nc) + power(nos) + power(nor) + power(nfo)).log10()
}

/// Loudness, sidetone and quantising, clause 7.3.
fn simultaneous(p: &Parameters, olr: f64, no: f64, ro: f64) -> f64 {
    let xolr = olr + 0.2 * (64.0 + no - p.rlr);
    let iolr = 20.0 * ((1.0 + (xolr / 8.0).powi(8)).powf(1.0 / 8.0) - xolr / 8.0);
    let stmro = -10.0 * (power(-p.stmr) + (-p.t_ms / 4.0).exp() * power(-p.telr)).log10();
    let ist = 12.0 * (1.0 + ((stmro - 13.0) / 6.0).powi(8)).powf(1.0 / 8.0)
        - 28.0 * (1.0 + ((stmro + 1.0) / 19.4).powi(35)).powf(1.0 / 35.0)
        - 13.0 * (1.0 + ((stmro - 3.0) / 33.0).powi(13)).powf(1.0 / 13.0)
        + 29.0;
    let q = 37.0 - 15.0 * p.qdu.log10();
    let g = 1.07 + 0.258 * q + 0.0602 * q * q;
    let z = 46.0 / 30.0 - g / 40.0;
    let y = (ro - 100.0) / 15.0 + 46.0 / 8.4 - g / 9.0;
    let iq = 15.0 * (1.0 + 10_f64.powf(y) + 10_f64.powf(z)).log10();
    iolr + ist + iq
}

/// Talker and listener echo, clause 7.4.
fn echo(p: &Parameters, no: f64, ro: f64) -> (f64, f64) {
    let terv = p.telr - 40.0 * ((1.0 + p.t_ms / 10.0) / (1.0 + p.t_ms / 150.0)).log10()
        + 6.0 * (-0.3 * p.t_ms * p.t_ms).exp();
    let re = 80.0 + 2.5 * (terv - 14.0);
    let roe = -1.5 * (no - p.rlr);
    let half = (roe - re) / 2.0;
    let idte = if p.t_ms < 1.0 {
        0.0
    } else {
        (half + (half * half + 100.0).sqrt() - 1.0) * (1.0 - (-p.t_ms).exp())
    };
    let rle = 10.5 * (p.wepl + 7.0) * (p.tr_ms + 1.0).powf(-0.25);
    let half = (ro - rle) / 2.0;
    (idte, half + (half * half + 169.0).sqrt())
}

/// Idd: what delay alone costs a conversation without echo, clause 7.4.
pub fn delay_impairment(ta_ms: f64, sensitivity: f64, least_ms: f64) -> f64 {
    if ta_ms <= least_ms {
        return 0.0;
    }
    let x = (ta_ms / least_ms).log2();
    let six = 6.0 * sensitivity;
    25.0 * ((1.0 + x.powf(six)).powf(1.0 / six) - 3.0 * (1.0 + (x / 3.0).powf(six)).powf(1.0 / six) + 2.0)
}

/// The most that loss can cost on the scales of G.107 and G.107.1.
pub const NARROWBAND_MOST: f64 = 95.0;
/// The most that loss can cost on the scale of G.107.2.
pub const FULLBAND_MOST: f64 = 132.0;

/// Ie,eff, clause 7.5.
pub fn effective_impairment(ie: f64, bpl: f64, ppl: f64, burst_r: f64, most: f64) -> f64 {
    if ppl <= 0.0 {
        return ie;
    }
    ie + (most - ie) * ppl / (ppl / burst_r + bpl)
}

/// MOS-CQE from R on the narrowband scale, Annex B. The cubic dips below 1 near zero; the scale does not.
pub fn mos(r: f64) -> f64 {
    if r <= 0.0 {
        return 1.0;
    }
    if r >= 100.0 {
        return 4.5;
    }
    (1.0 + 0.035 * r + r * (r - 60.0) * (100.0 - r) * 7e-6).max(1.0)
}

/// R from MOS, Appendix I, for a MOS between 1 and 4.5.
pub fn r_from_mos(mos: f64) -> f64 {
    let mos = mos.clamp(1.0, 4.5);
    let x = 18_566.0 - 6_750.0 * mos;
    let y = 15.0 * (-903_522.0 + 1_113_960.0 * mos - 202_500.0 * mos * mos).max(0.0).sqrt();
    let h = y.atan2(x) / 3.0;
    20.0 / 3.0 * (8.0 - 226_f64.sqrt() * (h + std::f64::consts::FRAC_PI_3).cos())
}

/// R on the wideband scale of G.107.1, 0 to 129; without echo.
pub fn wideband_rating(ie_eff: f64, ta_ms: f64) -> f64 {
    129.0 - delay_impairment(ta_ms, 1.0, 100.0) - ie_eff
}

/// R on the fullband scale of G.107.2, 0 to 148; without echo.
pub fn fullband_rating(ie_eff: f64, ta_ms: f64) -> f64 {
    148.0 - 1.48 * delay_impairment(ta_ms, 1.0, 100.0) - ie_eff
}

/// MOS-CQE from R on the wideband scale.
pub fn wideband_mos(r: f64) -> f64 {
    mos(r / 1.29)
}

/// MOS-CQE from R on the fullband scale.
pub fn fullband_mos(r: f64) -> f64 {
    mos(r / 1.48)
}
