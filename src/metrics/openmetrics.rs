//! OpenMetrics 1.0, the text format that can carry exemplars; the `prometheus` crate writes the older one alone.
//! Names and values of series are the same in both, so that a server may ask for either.

use std::fmt::Write as _;

use prometheus::proto::{LabelPair, Metric, MetricFamily, MetricType};

use super::exemplar::{Exemplar, Exemplars};

/// Its media type.
pub(super) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Writes families, each with the exemplars of its series.
pub(super) fn encode(families: &[MetricFamily], exemplars: &Exemplars) -> String {
    let mut text = String::new();
    for family in families {
        let sample = family.name();
        // A counter's family goes without the suffix that its samples must have.
        let (name, kind) = match family.get_field_type() {
            MetricType::COUNTER => match sample.strip_suffix("_total") {
                Some(name) => (name, "counter"),
                None => (sample, "unknown"),
            },
            MetricType::GAUGE => (sample, "gauge"),
            MetricType::HISTOGRAM => (sample, "histogram"),
            MetricType::SUMMARY | MetricType::UNTYPED => (sample, "unknown"),
        };
        line(&mut text, format_args!("# TYPE {name} {kind}"));
        line(&mut text, format_args!("# HELP {name} {}", escaped(family.help())));
        for metric in family.get_metric() {
            match family.get_field_type() {
                MetricType::COUNTER => {
                    let exemplar = exemplars.of(sample, labels_of(metric), 0);
                    put(&mut text, sample, metric, None, metric.get_counter().get_value(), exemplar);
                }
                MetricType::GAUGE => {
                    put(&mut text, sample, metric, None, metric.get_gauge().get_value(), None);
                }
                MetricType::HISTOGRAM => histogram(&mut text, sample, metric, exemplars),
                // None of the table's kinds.
                MetricType::SUMMARY | MetricType::UNTYPED => {}
            }
        }
    }
    text.push_str("# EOF\n");
    text
}

fn histogram(text: &mut String, name: &str, metric: &Metric, exemplars: &Exemplars) {
    let histogram = metric.get_histogram();
    let all = (f64::INFINITY, histogram.get_sample_count());
    let buckets =
        histogram.get_bucket().iter().map(|bucket| (bucket.upper_bound(), bucket.cumulative_count()));
    for (place, (bound, count)) in buckets.filter(|(bound, _)| bound.is_finite()).chain([all]).enumerate() {
        let exemplar = exemplars.of(name, labels_of(metric), place);
        put(text, &format!("{name}_bucket"), metric, Some(bound), count as f64, exemplar);
    }
    put(text, &format!("{name}_sum"), metric, None, histogram.get_sample_sum(), None);
    put(text, &format!("{name}_count"), metric, None, histogram.get_sample_count() as f64, None);
}

fn labels_of(metric: &Metric) -> Vec<(String, String)> {
    let pair = |label: &LabelPair| (label.name().to_owned(), label.value().to_owned());
    metric.get_label().iter().map(pair).collect()
}

fn put(
    text: &mut String,
    name: &str,
    metric: &Metric,
    bound: Option<f64>,
    value: f64,
    exemplar: Option<&Exemplar>,
) {
    let bound = bound.map(|bound| ("le".to_owned(), number(bound)));
    let labels: Vec<String> = labels_of(metric)
        .into_iter()
        .chain(bound)
        .map(|(name, value)| format!("{name}=\"{}\"", escaped(&value)))
        .collect();
    let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
    let tail = exemplar.map_or_else(String::new, |exemplar| {
        let Exemplar { call, value, at } = exemplar;
        let at = at.timestamp_millis() as f64 / 1e3;
        format!(" # {{call=\"{}\"}} {} {}", escaped(call), number(*value), number(at))
    });
    line(text, format_args!("{name}{labels} {}{tail}", number(value)));
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    // A string takes whatever is written to it.
    writeln!(text, "{line}").unwrap_or_default();
}

/// As the `prometheus` crate writes them, but for what is not finite.
fn number(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned()
    } else {
        value.to_string()
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\n', "\\n").replace('"', "\\\"")
}
