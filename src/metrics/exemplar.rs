//! Exemplars: with a count, one call that was counted in it, so that whoever sees a peak can look at a call of it. They
//! are no labels, so a call in them makes no series; a newer call takes the place of an older one.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

/// One call behind a count.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Exemplar {
    /// Identity of the kept call.
    pub(super) call: String,
    /// What was counted.
    pub(super) value: f64,
    /// When the call ended: from then on it can be looked up.
    pub(super) at: DateTime<Utc>,
}

/// A metric with its labels, sorted by their names.
type Series = (String, Vec<(String, String)>);

/// The latest exemplar of each bucket of a histogram; of a counter there is one, in place 0.
#[derive(Debug, Default)]
pub(super) struct Exemplars(BTreeMap<Series, BTreeMap<usize, Exemplar>>);

fn series(metric: &str, mut labels: Vec<(String, String)>) -> Series {
    labels.sort_unstable();
    (metric.to_owned(), labels)
}

impl Exemplars {
    /// Takes one for a histogram with these upper bounds.
    pub(super) fn observed(
        &mut self,
        metric: &str,
        labels: &[(&str, &str)],
        bounds: &[f64],
        exemplar: Exemplar,
    ) {
        let bucket = bounds.partition_point(|bound| *bound < exemplar.value);
        self.take(metric, labels, bucket, exemplar);
    }

    /// Takes one for a counter.
    pub(super) fn counted(&mut self, metric: &str, labels: &[(&str, &str)], exemplar: Exemplar) {
        self.take(metric, labels, 0, exemplar);
    }

    fn take(&mut self, metric: &str, labels: &[(&str, &str)], bucket: usize, exemplar: Exemplar) {
        let owned = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let buckets = self.0.entry(series(metric, owned)).or_default();
        // Prometheus refuses one that is older than what it has.
        if buckets.get(&bucket).is_none_or(|known| known.at <= exemplar.at) {
            buckets.insert(bucket, exemplar);
        }
    }

    /// That of a bucket.
    pub(super) fn of(&self, metric: &str, labels: Vec<(String, String)>, bucket: usize) -> Option<&Exemplar> {
        self.0.get(&series(metric, labels))?.get(&bucket)
    }
}
