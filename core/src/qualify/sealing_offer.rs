//! What a server says of sealed answers.

/// What the metadata say of sealed answers (`kz_payload_encryption`).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Offer {
    /// The server answers in no other way.
    pub(crate) is_required: bool,
    /// Among its algorithms are those of this version, and it signs.
    pub(crate) is_known: bool,
}

impl Offer {
    pub(crate) fn parse(json: &serde_json::Value) -> Option<Self> {
        let offer = json.get("kz_payload_encryption")?;
        let lists = |name: &str, value: &str| {
            offer.get(name).and_then(|list| list.as_array()).is_some_and(|list| list.iter().any(|item| item == value))
        };
        let is = |name: &str| offer.get(name).is_some_and(|value| value == true);
        Some(Self {
            is_required: is("required"),
            is_known: lists("alg_values_supported", "ECDH-ES")
                && lists("enc_values_supported", "A256GCM")
                && is("signed"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_offer_is_read_with_care() {
        let offer = |json| Offer::parse(&json!({ "kz_payload_encryption": json }));
        let of_the_contract = json!({"alg_values_supported": ["ECDH-ES"], "enc_values_supported": ["A256GCM"],
            "signed": true, "required": false});
        assert_eq!(offer(of_the_contract.clone()), Some(Offer { is_required: false, is_known: true }));
        for (name, value) in [
            ("alg_values_supported", json!(["RSA-OAEP"])),
            ("enc_values_supported", json!("A256GCM")),
            ("signed", json!(false)),
        ] {
            let mut other = of_the_contract.clone();
            other[name] = value;
            assert_eq!(offer(other), Some(Offer { is_required: false, is_known: false }), "{name}");
        }
        assert_eq!(offer(json!({"required": true})), Some(Offer { is_required: true, is_known: false }));
        assert_eq!(Offer::parse(&json!({})), None);
    }
}
