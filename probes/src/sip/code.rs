//! What a status code says (RFC 3261 section 21): pure tables, no state.

/// What a final answer to OPTIONS says of the peer that gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Aliveness {
    /// It serves (2xx).
    Well,
    /// It answers, though not as asked: unknown user, credentials wanted, busy. Counts as success.
    Alive,
    /// A proxy gave up waiting (408): the path behind it, or the process.
    PathOrProcess,
    /// The request went round in circles (483).
    RoutingLoop,
    /// The server or what stands behind it is in trouble (500, 502, 504).
    Trouble,
    /// Overloaded or draining (503).
    Overloaded,
}

/// Reads a status code as a sign of life.
///
/// A code that the table does not name is read as the x00 of its class (RFC 3261 section 8.1.3.2);
/// 501, 505 and 513 say only that the peer does not serve *this* request, so it lives.
#[must_use]
pub const fn aliveness(code: u16) -> Aliveness {
    match code {
        200..=299 => Aliveness::Well,
        408 => Aliveness::PathOrProcess,
        483 => Aliveness::RoutingLoop,
        503 => Aliveness::Overloaded,
        501 | 505 | 513 => Aliveness::Alive,
        500..=599 => Aliveness::Trouble,
        _ => Aliveness::Alive,
    }
}

/// Whether an address of record has a binding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RegistrationState {
    /// Somebody answered for it.
    Registered,
    /// The registrar knows of no binding.
    NotRegistered,
    /// The answer says nothing of the binding.
    Unknown,
}

/// Reads the answer to an OPTIONS for an address of record, asked of its registrar.
///
/// | code | state | why |
/// | --- | --- | --- |
/// | 2xx | registered | the registrar forwarded the request and the callee answered |
/// | 404 | not registered | no such user, or no binding (section 21.4.5) |
/// | 410 | not registered | gone, no forwarding address known (section 21.4.11) |
/// | 480 | not registered | the callee is not logged in (section 21.4.18) |
/// | others | unknown | 401, 403, 407 speak of *our* rights; 408, 5xx of the path; 3xx, 6xx of the callee's wish |
#[must_use]
pub const fn registration_state(code: u16) -> RegistrationState {
    match code {
        200..=299 => RegistrationState::Registered,
        404 | 410 | 480 => RegistrationState::NotRegistered,
        _ => RegistrationState::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_by_policy_is_a_sign_of_life() {
        for code in [401, 403, 404, 405, 407, 480, 481, 486, 501, 603] {
            assert_eq!(aliveness(code), Aliveness::Alive, "{code}");
        }
        assert_eq!(aliveness(200), Aliveness::Well);
        assert_eq!(aliveness(299), Aliveness::Well);
    }

    #[test]
    fn trouble_is_told_apart_by_where_it_sits() {
        assert_eq!(aliveness(408), Aliveness::PathOrProcess);
        assert_eq!(aliveness(483), Aliveness::RoutingLoop);
        for code in [500, 502, 504, 599] {
            assert_eq!(aliveness(code), Aliveness::Trouble, "{code}");
        }
        assert_eq!(aliveness(503), Aliveness::Overloaded);
    }

    #[test]
    fn only_answers_about_the_binding_decide_a_registration() {
        assert_eq!(registration_state(200), RegistrationState::Registered);
        for code in [404, 410, 480] {
            assert_eq!(registration_state(code), RegistrationState::NotRegistered, "{code}");
        }
        for code in [100, 302, 401, 403, 407, 408, 486, 500, 503, 600, 604] {
            assert_eq!(registration_state(code), RegistrationState::Unknown, "{code}");
        }
    }
}
