//! The four JPKI-SIM authorities that issue the certificates of the simulated cards.

use crate::{
    SimError,
    keys::{Algorithm, PrivateKey, Purpose},
};
use der::{Decode, Encode};
use x509_cert::{Certificate, ext::pkix::SubjectKeyIdentifier};

/// The CA certificates as DER: authentication RSA, authentication P-384, signature RSA, signature P-384.
pub fn certificates() -> [Vec<u8>; 4] {
    AUTHORITIES.each_ref().map(|authority| authority.certificate_der())
}

/// The two roots that authentication certificates chain to, as DER.
pub fn authentication_roots() -> Vec<Vec<u8>> {
    let of_purpose = AUTHORITIES.iter().filter(|authority| authority.purpose == Purpose::Authentication);
    of_purpose.map(Authority::certificate_der).collect()
}

/// One authority: its certificate and, in the key file, its private key.
pub(crate) struct Authority {
    purpose: Purpose,
    name: &'static str,
    pem: &'static str,
}

/// What a certificate says about its issuer.
pub(crate) struct Issuer {
    /// The Name, byte for byte as in the CA certificate.
    pub(crate) name: Vec<u8>,
    /// Serial number of the CA certificate: the value of the INTEGER.
    pub(crate) serial: Vec<u8>,
    /// Subject key identifier of the CA certificate.
    pub(crate) key_id: Vec<u8>,
    /// The CA's key.
    pub(crate) key: PrivateKey,
}

impl Authority {
    /// The authority that certifies keys of this kind.
    pub(crate) fn of(purpose: Purpose, algorithm: Algorithm) -> &'static Self {
        match (purpose, algorithm) {
            (Purpose::Authentication, Algorithm::Rsa2048) => &AUTHORITIES[0],
            (Purpose::Authentication, Algorithm::P256 | Algorithm::P384) => &AUTHORITIES[1],
            (Purpose::Signature, Algorithm::Rsa2048) => &AUTHORITIES[2],
            (Purpose::Signature, Algorithm::P256 | Algorithm::P384) => &AUTHORITIES[3],
        }
    }

    /// The CA certificate as DER.
    pub(crate) fn certificate_der(&self) -> Vec<u8> {
        let (label, der) =
            der::pem::decode_vec(self.pem.as_bytes()).expect("the CA certificates are part of the binary");
        debug_assert_eq!(label, "CERTIFICATE");
        der
    }

    /// Everything needed to issue.
    pub(crate) fn issuer(&self) -> Result<Issuer, SimError> {
        let broken = |_| SimError::TestData(format!("the certificate of {}", self.name));
        let certificate = Certificate::from_der(&self.certificate_der()).map_err(broken)?;
        let tbs = certificate.tbs_certificate();
        let extensions = tbs.extensions().map(Vec::as_slice).unwrap_or_default();
        let key_id = extensions.iter().find(|extension| extension.extn_id.to_string() == "2.5.29.14");
        let key_id = key_id.ok_or_else(|| SimError::TestData(format!("no key identifier in {}", self.name)))?;
        let key_id = SubjectKeyIdentifier::from_der(key_id.extn_value.as_bytes()).map_err(broken)?;
        Ok(Issuer {
            name: tbs.subject().to_der().map_err(broken)?,
            serial: tbs.serial_number().as_bytes().to_vec(),
            key_id: key_id.0.as_bytes().to_vec(),
            key: PrivateKey::of_authority(self.name)?,
        })
    }
}

static AUTHORITIES: [Authority; 4] = [
    Authority {
        purpose: Purpose::Authentication,
        name: "authentication-rsa2048",
        pem: include_str!("../../people/ca-authentication-rsa2048.pem"),
    },
    Authority {
        purpose: Purpose::Authentication,
        name: "authentication-p384",
        pem: include_str!("../../people/ca-authentication-p384.pem"),
    },
    Authority {
        purpose: Purpose::Signature,
        name: "signature-rsa2048",
        pem: include_str!("../../people/ca-signature-rsa2048.pem"),
    },
    Authority {
        purpose: Purpose::Signature,
        name: "signature-p384",
        pem: include_str!("../../people/ca-signature-p384.pem"),
    },
];
