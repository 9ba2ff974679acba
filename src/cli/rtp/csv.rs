//! Comma-separated values (RFC 4180), one line a stream or a call.

use linesman_media::capture::report::Report;
use linesman_media::quality::score::Interval;

use super::table::name;

/// The streams.
pub(super) fn streams(report: &Report) -> Vec<u8> {
    let mut lines = Lines::new(
        "ssrc,src,dst,payload_type,codec,clock_rate,first,duration_s,received,unique,expected,lost,loss_ratio,\
         duplicates,reordered,segments,max_delta_ms,jitter_mean_ms,jitter_max_ms,burst_r,r_low,r_high,mos_low,\
         mos_high,model,not_scorable,encrypted,dscp,call_id,leg,direction",
    );
    for stream in &report.streams {
        let quality = &stream.quality;
        let ends = |value: Option<Interval>| {
            [value.map(|value| value.low.to_string()), value.map(|value| value.high.to_string())]
        };
        let [r_low, r_high] = ends(quality.r_factor);
        let [mos_low, mos_high] = ends(quality.mos);
        let text = |value: Option<f64>| value.map(|value| value.to_string());
        lines.push([
            Some(stream.ssrc.clone()),
            Some(stream.src.clone()),
            Some(stream.dst.clone()),
            Some(quality.payload_type.to_string()),
            quality.codec.clone(),
            quality.clock_rate.map(|rate| rate.to_string()),
            Some(stream.first.clone()),
            Some(quality.duration_s.to_string()),
            Some(quality.received.to_string()),
            Some(quality.unique.to_string()),
            Some(quality.expected.to_string()),
            Some(quality.lost.to_string()),
            Some(quality.loss_ratio.to_string()),
            Some(quality.duplicates.to_string()),
            Some(quality.reordered.to_string()),
            Some(quality.segments.to_string()),
            Some(quality.max_delta_ms.to_string()),
            text(quality.jitter_mean_ms),
            text(quality.jitter_max_ms),
            Some(quality.bursts.burst_r.to_string()),
            r_low,
            r_high,
            mos_low,
            mos_high,
            quality.model.name.map(str::to_owned),
            quality.model.not_scorable.clone(),
            Some(stream.encrypted.to_string()),
            Some(stream.dscp.to_string()),
            stream.call_id.clone(),
            stream.leg.clone(),
            stream.direction.as_ref().map(name),
        ]);
    }
    lines.0
}

/// The calls.
pub(super) fn calls(report: &Report) -> Vec<u8> {
    let mut lines = Lines::new(
        "call_id,from,to,state,status,start,setup_ms,answer_ms,talk_s,hung_up_by,legs,streams,findings",
    );
    for call in &report.calls {
        let text = |value: Option<f64>| value.map(|value| value.to_string());
        lines.push([
            Some(call.call_id.clone()),
            Some(call.from.clone()),
            Some(call.to.clone()),
            Some(call.state.to_owned()),
            call.status.map(|status| status.to_string()),
            call.start.clone(),
            text(call.setup_ms),
            text(call.answer_ms),
            text(call.talk_s),
            call.hung_up_by.map(str::to_owned),
            Some(call.legs.len().to_string()),
            Some(call.streams.join(" ")),
            Some(call.findings.iter().map(name).collect::<Vec<_>>().join(" ")),
        ]);
    }
    lines.0
}

struct Lines(Vec<u8>);

impl Lines {
    fn new(header: &str) -> Self {
        Self(format!("{header}\r\n").into_bytes())
    }

    /// What is not known is empty.
    fn push<const N: usize>(&mut self, fields: [Option<String>; N]) {
        for (place, field) in fields.into_iter().enumerate() {
            if place > 0 {
                self.0.push(b',');
            }
            self.field(&field.unwrap_or_default());
        }
        self.0.extend_from_slice(b"\r\n");
    }

    fn field(&mut self, text: &str) {
        // Names come from strangers: a spreadsheet must not take them for formulas.
        let formula = text.starts_with(['=', '+', '-', '@', '\t']) && text.parse::<f64>().is_err();
        if !formula && !text.contains([',', '"', '\r', '\n']) {
            self.0.extend_from_slice(text.as_bytes());
            return;
        }
        self.0.push(b'"');
        if formula {
            self.0.push(b'\'');
        }
        self.0.extend_from_slice(text.replace('"', "\"\"").as_bytes());
        self.0.push(b'"');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_strangers_wrote_breaks_neither_line_nor_spreadsheet() {
        let mut lines = Lines::new("a,b,c,d");
        lines.push([Some("x,\"y\"".into()), Some("=HYPERLINK(1)".into()), None, Some("-3.5".into())]);
        assert_eq!(
            String::from_utf8(lines.0).unwrap(),
            "a,b,c,d\r\n\"x,\"\"y\"\"\",\"'=HYPERLINK(1)\",,-3.5\r\n"
        );
    }
}
