//! What `--record` keeps: every FHIR body received and answered, each in a file, for other programs to judge.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;

use crate::http::{Answer, FHIR_JSON, Request};
use crate::state::FHIR_PATH;
use crate::whole_file;

/// The folder that the bodies are written to, if there is one.
#[derive(Debug, Default)]
pub(crate) struct Recording {
    folder: Option<PathBuf>,
    kept: AtomicU32,
}

impl Recording {
    pub(crate) fn into_folder(folder: Option<PathBuf>) -> Self {
        Self { folder, kept: AtomicU32::new(0) }
    }

    /// Keeps the body of a request if it should be FHIR, which the sender may have got wrong.
    pub(crate) fn received(&self, request: &Request) {
        if request.path.starts_with(FHIR_PATH) && request.has_media_type(&["application/fhir+json", "application/json"])
        {
            self.keep("received", &request.body);
        }
    }

    /// Keeps the body of an answer that says it is FHIR.
    pub(crate) fn answered(&self, answer: &Answer) {
        if answer.headers.iter().any(|(name, value)| *name == "content-type" && value == FHIR_JSON) {
            self.keep("answered", &answer.body);
        }
    }

    /// Writes `<number>-<direction>-<resource type>.json`. The people are synthetic unless `--fhir-base` names a server with others: the files are their owner's alone.
    fn keep(&self, direction: &str, body: &[u8]) {
        let Some(folder) = &self.folder else { return };
        let number = self.kept.fetch_add(1, Ordering::Relaxed);
        let file = folder.join(format!("{number:05}-{direction}-{}.json", type_of(body)));
        // A recording with holes would be taken for the whole.
        write(&file, body);
    }
}

fn write(file: &Path, body: &[u8]) {
    if let Err(error) = whole_file::write(file, body) {
        panic!("recording {}: {error}", file.display());
    }
}

/// The resource type, fit for a file name.
fn type_of(body: &[u8]) -> String {
    let value: Value = serde_json::from_slice(body).unwrap_or_default();
    let letters = |text: &str| text.chars().filter(char::is_ascii_alphanumeric).take(40).collect();
    value["resourceType"].as_str().map_or_else(|| "unknown".to_owned(), letters)
}
