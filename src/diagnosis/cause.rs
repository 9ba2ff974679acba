//! Classes of trouble, their causes, and whose it is: the names that every room and output shares.

use linesman_cdr::outcome::CauseKind;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

/// The five classes of trouble (R48).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
pub enum Class {
    /// Billing.
    A,
    /// Network.
    B,
    /// Device.
    C,
    /// Voice quality.
    D,
    /// Technical consultation.
    E,
}

impl Class {
    /// The letter.
    #[must_use]
    pub const fn letter(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::B => "B",
            Self::C => "C",
            Self::D => "D",
            Self::E => "E",
        }
    }

    /// The class of this letter.
    #[must_use]
    pub fn parse(letter: &str) -> Option<Self> {
        [Self::A, Self::B, Self::C, Self::D, Self::E].into_iter().find(|class| class.letter() == letter)
    }
}

/// Causes (contract section 5): those of classes B, C and D by their own names, those of class A by the
/// names of contract section 3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// B: the customer's access line or network.
    CustomerAccess,
    /// B: a server answers nothing at all.
    ServerDown,
    /// B: a server is there, its service is not.
    ServerState,
    /// B: a server lacks CPU, memory, sockets or the like.
    ServerResources,
    /// B: a router or switch.
    NetworkDevice,
    /// B: the fibre or line to the carrier's machine room.
    Fibre,
    /// C: a gateway answers nothing.
    GatewayDown,
    /// C: a gateway is there but not registered.
    GatewayUnregistered,
    /// C: a gateway is configured wrongly.
    GatewayConfig,
    /// C: a gateway is broken.
    GatewayHardware,
    /// D: the landing trunk.
    LandingTrunk,
    /// A: what a reconciliation named as the dearest cause of a difference.
    Billing(CauseKind),
    /// A: a difference that no cause explains.
    Unexplained,
    /// A: records bill what the calls that were heard do not bear out.
    BilledMedia,
}

impl Cause {
    /// Causes that probes can find.
    pub const NETWORK: [Self; 11] = [
        Self::CustomerAccess,
        Self::ServerDown,
        Self::ServerState,
        Self::ServerResources,
        Self::NetworkDevice,
        Self::Fibre,
        Self::GatewayDown,
        Self::GatewayUnregistered,
        Self::GatewayConfig,
        Self::GatewayHardware,
        Self::LandingTrunk,
    ];

    /// Causes that a reconciliation can find.
    pub const BILLING: [Self; 28] = [
        Self::Billing(CauseKind::MissingRecords),
        Self::Billing(CauseKind::DuplicateRecords),
        Self::Billing(CauseKind::PeriodCutoff),
        Self::Billing(CauseKind::PartialRecords),
        Self::Billing(CauseKind::PartialRecordsRecharged),
        Self::Billing(CauseKind::RingTimeBilled),
        Self::Billing(CauseKind::SubsecondRounding),
        Self::Billing(CauseKind::HungCall),
        Self::Billing(CauseKind::DurationDiffers),
        Self::Billing(CauseKind::PrefixMissing),
        Self::Billing(CauseKind::TechPrefixNotStripped),
        Self::Billing(CauseKind::WrongPrefix),
        Self::Billing(CauseKind::StaleRate),
        Self::Billing(CauseKind::WrongRate),
        Self::Billing(CauseKind::Currency),
        Self::Billing(CauseKind::TimeBandTimezone),
        Self::Billing(CauseKind::TimeBandWrong),
        Self::Billing(CauseKind::Increment),
        Self::Billing(CauseKind::FreeSeconds),
        Self::Billing(CauseKind::MinimumCharge),
        Self::Billing(CauseKind::ConnectFeeMissing),
        Self::Billing(CauseKind::ConnectFeeAdded),
        Self::Billing(CauseKind::RoundingDecimals),
        Self::Billing(CauseKind::RoundingMode),
        Self::Billing(CauseKind::Tax),
        Self::Billing(CauseKind::Unrated),
        Self::Unexplained,
        Self::BilledMedia,
    ];

    /// All causes.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::BILLING.into_iter().chain(Self::NETWORK)
    }

    /// The name in outputs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CustomerAccess => "customer-access",
            Self::ServerDown => "server-down",
            Self::ServerState => "server-state",
            Self::ServerResources => "server-resources",
            Self::NetworkDevice => "network-device",
            Self::Fibre => "fibre",
            Self::GatewayDown => "gateway-down",
            Self::GatewayUnregistered => "gateway-unregistered",
            Self::GatewayConfig => "gateway-config",
            Self::GatewayHardware => "gateway-hardware",
            Self::LandingTrunk => "landing-trunk",
            Self::Billing(kind) => billing_name(kind),
            Self::Unexplained => "unexplained",
            Self::BilledMedia => "billed_media",
        }
    }

    /// The cause of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::all().find(|cause| cause.name() == name)
    }

    /// The class it belongs to.
    #[must_use]
    pub const fn class(self) -> Class {
        match self {
            Self::CustomerAccess
            | Self::ServerDown
            | Self::ServerState
            | Self::ServerResources
            | Self::NetworkDevice
            | Self::Fibre => Class::B,
            Self::GatewayDown | Self::GatewayUnregistered | Self::GatewayConfig | Self::GatewayHardware => {
                Class::C
            }
            Self::LandingTrunk => Class::D,
            Self::Billing(_) | Self::Unexplained | Self::BilledMedia => Class::A,
        }
    }

    /// Probable cause by ITU-T X.733 / X.736 and M.3100 names, for alarm interfaces.
    #[must_use]
    pub const fn probable_cause(self) -> &'static str {
        match self {
            Self::Fibre | Self::CustomerAccess => "lossOfSignal",
            Self::ServerDown | Self::NetworkDevice | Self::GatewayHardware => "equipmentMalfunction",
            Self::ServerState => "softwareError",
            Self::ServerResources => "resourceAtOrNearingCapacity",
            Self::GatewayDown | Self::GatewayUnregistered => "communicationsSubsystemFailure",
            Self::GatewayConfig => "configurationOrCustomizationError",
            Self::LandingTrunk => "degradedSignal",
            Self::Billing(_) | Self::Unexplained | Self::BilledMedia => "informationModificationDetected",
        }
    }
}

/// The name of contract section 3.
const fn billing_name(kind: CauseKind) -> &'static str {
    match kind {
        CauseKind::MissingRecords => "missing_records",
        CauseKind::DuplicateRecords => "duplicate_records",
        CauseKind::PeriodCutoff => "period_cutoff",
        CauseKind::PartialRecords => "partial_records",
        CauseKind::PartialRecordsRecharged => "partial_records_recharged",
        CauseKind::RingTimeBilled => "ring_time_billed",
        CauseKind::SubsecondRounding => "subsecond_rounding",
        CauseKind::HungCall => "hung_call",
        CauseKind::DurationDiffers => "duration_differs",
        CauseKind::PrefixMissing => "prefix_missing",
        CauseKind::TechPrefixNotStripped => "tech_prefix_not_stripped",
        CauseKind::WrongPrefix => "wrong_prefix",
        CauseKind::StaleRate => "stale_rate",
        CauseKind::WrongRate => "wrong_rate",
        CauseKind::Currency => "currency",
        CauseKind::TimeBandTimezone => "time_band_timezone",
        CauseKind::TimeBandWrong => "time_band_wrong",
        CauseKind::Increment => "increment",
        CauseKind::FreeSeconds => "free_seconds",
        CauseKind::MinimumCharge => "minimum_charge",
        CauseKind::ConnectFeeMissing => "connect_fee_missing",
        CauseKind::ConnectFeeAdded => "connect_fee_added",
        CauseKind::RoundingDecimals => "rounding_decimals",
        CauseKind::RoundingMode => "rounding_mode",
        CauseKind::Tax => "tax",
        CauseKind::Unrated => "unrated",
    }
}

impl Serialize for Cause {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Cause {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let shown = || name.chars().filter(|character| !character.is_control()).take(40).collect::<String>();
        Self::parse(&name).ok_or_else(|| D::Error::custom(format!("there is no cause `{}`", shown())))
    }
}

impl PartialSchema for Cause {
    fn schema() -> RefOr<Schema> {
        let names: Vec<&str> = Self::all().map(Self::name).collect();
        ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names)).into()
    }
}

impl ToSchema for Cause {}

/// Whose the trouble is (contract section 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The customer's.
    Customer,
    /// Ours.
    Company,
    /// The carrier's.
    Carrier,
    /// A: our server's bill.
    Ours,
    /// A: the other party's bill.
    Theirs,
    /// A: each bill in its own way.
    Both,
    /// A: neither bill; a matter of the period's edge.
    None,
    /// A: the records do not prove it.
    Undecided,
}

impl Side {
    /// Sides of a bill, as a reconciliation judges.
    pub const BILLING: [Self; 5] = [Self::Ours, Self::Theirs, Self::Both, Self::None, Self::Undecided];

    /// The name in outputs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Company => "company",
            Self::Carrier => "carrier",
            Self::Ours => "ours",
            Self::Theirs => "theirs",
            Self::Both => "both",
            Self::None => "none",
            Self::Undecided => "undecided",
        }
    }

    /// Whether it can stand beside a cause of this class.
    #[must_use]
    pub fn fits(self, class: Class) -> bool {
        Self::BILLING.contains(&self) == (class == Class::A)
    }
}

impl From<linesman_cdr::outcome::Fault> for Side {
    fn from(fault: linesman_cdr::outcome::Fault) -> Self {
        use linesman_cdr::outcome::Fault;
        match fault {
            Fault::Ours => Self::Ours,
            Fault::Theirs => Self::Theirs,
            Fault::Both => Self::Both,
            Fault::None => Self::None,
            Fault::Undecided => Self::Undecided,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_of_a_bill_has_the_name_that_the_reconciliation_gives_it() {
        for cause in Cause::all() {
            assert_eq!(Cause::parse(cause.name()), Some(cause));
            let json = serde_json::to_value(cause).unwrap();
            assert_eq!(json, cause.name());
            assert_eq!(serde_json::from_value::<Cause>(json).unwrap(), cause);
            if let Cause::Billing(kind) = cause {
                assert_eq!(serde_json::to_value(kind).unwrap(), cause.name());
                assert_eq!(cause.class(), Class::A);
            }
        }
    }
}
