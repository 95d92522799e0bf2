//! The two forms of error: OAuth JSON (RFC 6749, 5.2) and FHIR R4 OperationOutcome.

use serde_json::json;

use crate::http::Answer;

/// An error of the authorization server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct OAuthError {
    status: u16,
    pub(crate) error: &'static str,
    /// Extension member that says what is wrong with the card, its certificate or the nonce.
    pub(crate) card_error: Option<&'static str>,
    pub(crate) description: &'static str,
    code: &'static str,
}

impl OAuthError {
    pub(crate) const INVALID_REQUEST: Self = Self::new(400, "invalid_request", "malformed request", "KZ-A02");
    pub(crate) const UNSUPPORTED_GRANT: Self =
        Self::new(400, "unsupported_grant_type", "grant type not supported", "KZ-A02");
    pub(crate) const INVALID_GRANT: Self = Self::new(400, "invalid_grant", "grant refused", "");
    pub(crate) const NONCE_EXPIRED: Self = Self::card("nonce_expired", "nonce unknown or expired", "KZ-A03");
    pub(crate) const NONCE_REUSED: Self = Self::card("nonce_reused", "nonce already used", "KZ-A03");
    pub(crate) const CLOCK_SKEW: Self = Self::card("clock_skew", "iat or exp outside the window", "KZ-A04");
    pub(crate) const BAD_SIGNATURE: Self = Self::card("bad_signature", "header, alg or signature refused", "KZ-A05");
    pub(crate) const BAD_CHAIN: Self = Self::card("bad_chain", "certificate chain refused", "KZ-A05");
    pub(crate) const WRONG_CERTIFICATE: Self =
        Self::card("wrong_certificate", "not a user authentication certificate", "KZ-A05");
    pub(crate) const CERTIFICATE_EXPIRED: Self = Self::card("certificate_expired", "certificate expired", "KZ-C06");
    pub(crate) const CERTIFICATE_REVOKED: Self = Self::card("certificate_revoked", "certificate revoked", "KZ-C07");
    pub(crate) const SUSPENDED: Self = Self::denied("suspended", "use suspended", "KZ-S01");
    pub(crate) const NOT_REGISTERED: Self = Self::denied("not_registered", "insurance use not registered", "KZ-Q06");
    pub(crate) const NOT_LINKED: Self = Self::denied("not_linked", "insurer data not linked yet", "KZ-Q07");
    pub(crate) const REFUSED_BY_PERSON: Self = Self::new(403, "access_denied", "refused by the person", "");
    /// A revoked certificate in mode OIDC, where there is no grant yet that could be invalid (RFC 6749, 4.1.2.1).
    pub(crate) const SIGN_IN_REVOKED: Self = Self::denied("certificate_revoked", "certificate revoked", "KZ-C07");
    pub(crate) const UNSUPPORTED_RESPONSE_TYPE: Self =
        Self::new(400, "unsupported_response_type", "response_type is not code", "KZ-A02");
    pub(crate) const INVALID_SCOPE: Self = Self::new(400, "invalid_scope", "scope refused", "KZ-A06");
    pub(crate) const INVALID_TARGET: Self = Self::new(400, "invalid_target", "resource refused", "KZ-A06");
    pub(crate) const INVALID_CLIENT: Self = Self::new(401, "invalid_client", "client not registered", "KZ-A08");
    pub(crate) const USE_DPOP_NONCE: Self = Self::new(400, "use_dpop_nonce", "DPoP nonce required", "KZ-A09");
    pub(crate) const INVALID_DPOP_PROOF: Self = Self::new(400, "invalid_dpop_proof", "DPoP proof refused", "KZ-A09");
    pub(crate) const SLOW_DOWN: Self = Self::new(429, "slow_down", "too many requests", "KZ-T06");
    pub(crate) const UNAVAILABLE: Self = Self::new(503, "temporarily_unavailable", "maintenance", "KZ-T07");

    const fn new(status: u16, error: &'static str, description: &'static str, code: &'static str) -> Self {
        Self { status, error, card_error: None, description, code }
    }

    const fn card(card_error: &'static str, description: &'static str, code: &'static str) -> Self {
        Self { status: 400, error: "invalid_grant", card_error: Some(card_error), description, code }
    }

    const fn denied(card_error: &'static str, description: &'static str, code: &'static str) -> Self {
        Self { status: 403, error: "access_denied", card_error: Some(card_error), description, code }
    }

    /// The same error with a more exact text for developers.
    pub(crate) const fn described(self, description: &'static str) -> Self {
        Self { description, ..self }
    }
}

impl From<OAuthError> for Answer {
    fn from(error: OAuthError) -> Self {
        let mut body = json!({ "error": error.error, "error_description": error.description });
        if let Some(card_error) = error.card_error {
            body["card_error"] = card_error.into();
        }
        let answer = Answer::json(error.status, &body, error.description);
        let answer = Answer { needs_dpop_nonce: error.error == OAuthError::USE_DPOP_NONCE.error, ..answer };
        if error.code.is_empty() { answer } else { answer.with_code(error.code) }
    }
}

/// An error of the resource server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Issue {
    pub(crate) status: u16,
    /// FHIR `issue-type`.
    kind: &'static str,
    code: &'static str,
    /// What the person should do, in Japanese.
    text: &'static str,
    diagnostics: &'static str,
}

impl Issue {
    pub(crate) const MALFORMED: Self = Self::new(
        400,
        "structure",
        "KZ-D01",
        "送信内容を読み取れませんでした。アプリを更新してください。",
        "body is not of the expected structure",
    );
    pub(crate) const INVALID_ELEMENT: Self = Self::new(
        400,
        "invalid",
        "KZ-D01",
        "送信内容に誤りがあります。アプリを更新してください。",
        "an element has a value that is not allowed",
    );
    pub(crate) const REQUIRED_ELEMENT: Self = Self::new(
        400,
        "required",
        "KZ-D01",
        "送信内容に不足があります。アプリを更新してください。",
        "a required element is missing",
    );
    pub(crate) const NO_SUCH_ROUTE: Self =
        Self::new(404, "not-found", "KZ-U01", "この機能は利用できません。", "no such resource");
    pub(crate) const NO_SUCH_METHOD: Self =
        Self::new(405, "not-supported", "KZ-U01", "この機能は利用できません。", "method not allowed");
    pub(crate) const MEDIA_TYPE: Self =
        Self::new(415, "not-supported", "KZ-U01", "この機能は利用できません。", "media type not supported");
    pub(crate) const TOO_LARGE: Self =
        Self::new(413, "too-long", "KZ-D04", "送信内容が大きすぎます。", "request body too large");
    pub(crate) const RESULT_TOO_LARGE: Self =
        Self::new(413, "too-costly", "KZ-D04", "期間を短くしてください。", "result too large");
    pub(crate) const RUNNING: Self = Self::new(
        409,
        "conflict",
        "KZ-U02",
        "処理中です。しばらくお待ちください。",
        "first request with this Idempotency-Key is running",
    );
    pub(crate) const KEY_REUSED: Self = Self::new(
        422,
        "conflict",
        "KZ-U01",
        "もう一度操作してください。",
        "Idempotency-Key was used with another body",
    );
    pub(crate) const BAD_PROOF: Self =
        Self::new(401, "login", "KZ-A09", "認証をやり直してください。", "DPoP proof refused");
    pub(crate) const LOGIN: Self = Self::new(
        401,
        "login",
        "KZ-A10",
        "もう一度カードをかざしてください。",
        "access token missing, unknown, revoked or expired",
    );
    pub(crate) const SCOPE: Self =
        Self::new(403, "forbidden", "KZ-A11", "この情報の利用に同意されていません。", "scope missing");
    pub(crate) const SUSPENDED: Self = Self::new(
        403,
        "forbidden",
        "KZ-S01",
        "このカードは利用停止中です。お住まいの市区町村の窓口で手続きをしてください。",
        "member is suspended",
    );
    pub(crate) const NOT_REGISTERED: Self = Self::new(
        403,
        "business-rule",
        "KZ-Q06",
        "健康保険証の利用登録をしてください。",
        "insurance use not registered",
    );
    pub(crate) const UPSTREAM: Self = Self::new(
        502,
        "exception",
        "KZ-Q01",
        "資格確認システムに接続できません。時間をおいてもう一度お試しください。",
        "upstream error",
    );
    pub(crate) const TIMEOUT: Self =
        Self::new(504, "timeout", "KZ-T05", "応答がありません。もう一度お試しください。", "upstream timeout");
    pub(crate) const THROTTLED: Self =
        Self::new(429, "throttled", "KZ-T06", "混み合っています。しばらくお待ちください。", "too many requests");
    pub(crate) const MAINTENANCE: Self =
        Self::new(503, "transient", "KZ-T07", "メンテナンス中です。しばらくお待ちください。", "maintenance");

    pub(crate) const CONFLICT: Self = Self::new(
        412,
        "conflict",
        "KZ-D03",
        "他の端末で変更されました。内容を確認して、もう一度操作してください。",
        "version conflict",
    );
    pub(crate) const NOT_CONFIRMED: Self = Self::new(
        202,
        "incomplete",
        "KZ-S02",
        "停止の受付を確認中です。急ぐ場合は0120-95-0178へお電話ください。",
        "suspension not confirmed",
    );

    /// The catalogue of business errors that the switches `…-outcome` can show.
    const CATALOGUE: &[Self] = &[
        Self::BAD_PROOF,
        Self::LOGIN,
        Self::SCOPE,
        Self::SUSPENDED,
        Self::NOT_REGISTERED,
        Self::UPSTREAM,
        Self::TIMEOUT,
        Self::THROTTLED,
        Self::MAINTENANCE,
        Self::new(
            200,
            "not-found",
            "KZ-Q02",
            "該当する資格がありません。保険者にお問い合わせください。",
            "no qualification",
        ),
        Self::new(
            200,
            "multiple-matches",
            "KZ-Q03",
            "複数の資格があります。医療機関または保険者に確認してください。",
            "several qualifications",
        ),
        Self::new(
            200,
            "business-rule",
            "KZ-Q04",
            "資格を喪失しています。保険者にお問い合わせください。",
            "qualification lost",
        ),
        Self::new(
            200,
            "business-rule",
            "KZ-Q05",
            "新しい資格があります。もう一度確認してください。",
            "qualification replaced",
        ),
        Self::new(403, "incomplete", "KZ-Q07", "保険者のデータ登録をお待ちください。", "insurer data not linked yet"),
        Self::new(200, "invalid", "KZ-D01", "データを読み取れません。", "upstream data is not valid FHIR"),
        Self::new(
            403,
            "suppressed",
            "KZ-D02",
            "同意の有効期限が切れています。もう一度同意してください。",
            "consent missing or expired",
        ),
        Self::CONFLICT,
        Self::RESULT_TOO_LARGE,
        Self::NOT_CONFIRMED,
    ];

    /// The catalogue entry of a `KZ-…` code, if a server produces it.
    pub(crate) fn of_code(code: &str) -> Option<Self> {
        Self::CATALOGUE.iter().copied().find(|issue| issue.code == code)
    }

    const fn new(
        status: u16,
        kind: &'static str,
        code: &'static str,
        text: &'static str,
        diagnostics: &'static str,
    ) -> Self {
        Self { status, kind, code, text, diagnostics }
    }

    /// The same issue with another HTTP status.
    pub(crate) const fn with_status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    /// The same issue with a more exact text for developers.
    pub(crate) const fn described(self, diagnostics: &'static str) -> Self {
        Self { diagnostics, ..self }
    }

    /// The same issue with another text for the person.
    pub(crate) const fn worded(self, text: &'static str) -> Self {
        Self { text, ..self }
    }
}

impl From<Issue> for Answer {
    fn from(issue: Issue) -> Self {
        let coding = json!({ "system": format!("{NAMESPACE}/CodeSystem/outcome"), "code": issue.code });
        let body = json!({
            "resourceType": "OperationOutcome",
            "issue": [{
                "severity": "error",
                "code": issue.kind,
                "details": { "coding": [coding], "text": issue.text },
                "diagnostics": issue.diagnostics,
            }],
        });
        Answer::fhir(issue.status, &body, issue.diagnostics).with_code(issue.code)
    }
}

/// Root of the code systems and extensions that the wire contract defines itself.
pub(crate) const NAMESPACE: &str = "https://kazasu.example/fhir";
