//! Answers changed on their way out: a server that mixes people up, or somebody before it.

use std::sync::Mutex;

use serde_json::Value;

use crate::http::{Answer, Request};
use crate::sync::lock;

/// Changes what is answered to `path`, before it is sealed and signed.
pub(crate) type Rewriter = Box<dyn FnMut(&str, &mut Value) + Send>;

/// What changes answers, if anything does.
#[derive(Default)]
pub(crate) struct Rewrite(Mutex<Option<Rewriter>>);

impl Rewrite {
    pub(crate) fn set(&self, rewriter: Option<Rewriter>) {
        *lock(&self.0) = rewriter;
    }

    /// The answer as it leaves. What is no JSON stays.
    pub(crate) fn apply(&self, request: &Request, mut answer: Answer) -> Answer {
        let mut rewriter = lock(&self.0);
        let Some(rewriter) = rewriter.as_mut() else { return answer };
        if let Ok(mut body) = serde_json::from_slice::<Value>(&answer.body) {
            rewriter(&request.path, &mut body);
            answer.body = body.to_string().into_bytes();
        }
        answer
    }
}
