//! The store of `--store`: its folder, its keys, and the way in and out.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kazasu::crypto::SignatureVerifier;
use kazasu::error::StoreFault;
use kazasu::jose::dpop::SoftwareDeviceKey;
use kazasu::session::Qualified;
use kazasu::store::{
    CheckedBy, Checkpoint, FileKeys, HistoryEntry, Limits, Member, RetentionPolicy, Store, StoreSettings,
};
use kazasu::text::looks_alike;
use kazasu::time::{Clock, SystemClock};

use super::cleared;
use crate::args::Global;
use crate::failure::Failure;
use crate::files;
use crate::output::Output;

/// The store of `--store`, open.
pub(crate) struct Family {
    pub(crate) store: Store,
    folder: PathBuf,
    /// Where a person is told what goes by age.
    output: Option<Output>,
}

impl Family {
    /// Opens the store that is there.
    pub(crate) fn open(global: &Global) -> Result<Self, Failure> {
        folder(global)?;
        Self::open_if_there(global)?.ok_or_else(|| {
            Failure::usage("there is no store yet").advise(
                "まだ誰も登録されていません。kazasu member add で登録してください",
                "Nobody is registered yet. Please begin with: kazasu member add",
            )
        })
    }

    /// Opens the store if there is one.
    pub(crate) fn open_if_there(global: &Global) -> Result<Option<Self>, Failure> {
        let Ok(folder) = folder(global) else { return Ok(None) };
        if file(&folder).exists() {
            return Self::at(folder, Output::of(global)).map(Some);
        }
        if anchor(&folder).exists() {
            return Err(gone());
        }
        Ok(None)
    }

    /// Makes the store where there is none.
    pub(crate) fn create(global: &Global) -> Result<Self, Failure> {
        let mut family = Self::create_at(&folder(global)?)?;
        family.output = Some(Output::of(global));
        Ok(family)
    }

    /// Makes a store in a folder of its own.
    pub(crate) fn create_at(folder: &Path) -> Result<Self, Failure> {
        files::make_folder(folder)?;
        files::check_folder(folder)?;
        let keys = FileKeys::create(&keys(folder))?;
        let log_key = keys.make_log_key()?;
        let mut family =
            Self { store: Store::create(settings(folder, keys, log_key)?)?, folder: folder.to_owned(), output: None };
        // From the first entry on: later a store without it is refused.
        family.keep_anchor()?;
        Ok(family)
    }

    fn at(folder: PathBuf, output: Output) -> Result<Self, Failure> {
        files::check_folder(&folder)?;
        let opened = FileKeys::open(&keys(&folder)).and_then(|keys| {
            let log_key = keys.log_key()?;
            Ok((keys, log_key))
        });
        let (keys, log_key) = opened.map_err(advised)?;
        let store = Store::open(settings(&folder, keys, log_key)?).map_err(advised)?;
        // The open store locks others out.
        files::sweep(&self::keys(&folder));
        Ok(Self { store, folder, output: Some(output) })
    }

    /// The member with this nickname, else the only one whose nickname looks like it.
    pub(crate) fn find(&self, nickname: &str) -> Result<Member, Failure> {
        let mut members = self.store.members()?;
        if let Some(at) = members.iter().position(|member| member.profile.nickname == nickname) {
            return Ok(members.swap_remove(at));
        }
        members.retain(|member| looks_alike(&member.profile.nickname, nickname));
        let only = if members.len() == 1 { members.pop() } else { None };
        only.ok_or_else(|| {
            Failure::usage(format!("no member is called {nickname}")).advise(
                "その名前の方は登録されていません。kazasu member list で確かめてください",
                "Nobody is registered by this name. Please look at: kazasu member list",
            )
        })
    }

    /// The members of these nicknames, each of them once, or all of them for none.
    pub(crate) fn find_all(&self, nicknames: &[String]) -> Result<Vec<Member>, Failure> {
        if nicknames.is_empty() {
            return Ok(self.store.members()?);
        }
        let mut found: Vec<Member> = Vec::new();
        for nickname in nicknames {
            let member = self.find(nickname)?;
            if found.iter().all(|one| one.id != member.id) {
                found.push(member);
            }
        }
        Ok(found)
    }

    /// Announces and deletes what is past its time, once a day, and closes the store.
    pub(crate) fn close(mut self) -> Result<(), Failure> {
        let done = self.store.apply_retention_daily(RetentionPolicy::default())?;
        if let Some((done, output)) = done.zip(self.output) {
            cleared::tell(done, output);
        }
        self.keep_anchor()
    }

    /// Keeps the checkpoint of the log beside the keys, where an old copy of the file does not have it.
    fn keep_anchor(&mut self) -> Result<(), Failure> {
        let (path, checkpoint) = (anchor(&self.folder), self.store.checkpoint()?.to_bytes());
        if std::fs::read(&path).is_ok_and(|kept| kept == checkpoint) {
            return Ok(());
        }
        files::write(&path, &checkpoint)
    }
}

/// What a check came to, whether it was an answer or not.
pub(crate) fn check(by: CheckedBy, answer: &Result<Qualified, Failure>) -> HistoryEntry {
    let (result, eligibility) = match answer {
        Ok(qualified) => {
            let code = qualified.eligibility.qualification().code();
            (code.unwrap_or("OK"), Some(qualified.eligibility.clone()))
        }
        Err(failure) => (failure.code(), None),
    };
    HistoryEntry { at: SystemClock.now(), by, result: result.to_owned(), eligibility }
}

impl Drop for Family {
    /// After a failure too: what the log tells of it must not be put back unnoticed.
    fn drop(&mut self) {
        let _ = self.keep_anchor();
    }
}

/// A command for one member, without `--member`.
pub(crate) fn needs_member(detail: &str) -> Failure {
    Failure::usage(detail).advise("--member で、どなたの分かを指定してください", "Please say for whom with --member.")
}

/// `--store`, else the place where programs of this user keep data.
fn folder(global: &Global) -> Result<PathBuf, Failure> {
    if let Some(folder) = &global.store {
        return Ok(folder.clone());
    }
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let data = variable("XDG_DATA_HOME").or_else(|| Some(variable("HOME")?.join(".local/share")));
    data.map(|data| data.join("kazasu")).ok_or_else(|| Failure::usage("this command needs --store FOLDER"))
}

fn file(folder: &Path) -> PathBuf {
    folder.join("family.kazasu")
}

fn keys(folder: &Path) -> PathBuf {
    folder.join("keys")
}

fn anchor(folder: &Path) -> PathBuf {
    keys(folder).join("anchor")
}

/// What became of the file whose anchor is still there.
fn gone() -> Failure {
    Failure::from(kazasu::Error::from(StoreFault::Replaced)).advise(
        "保存ファイルがありません。--store で別のフォルダーを指定し、登録し直してください",
        "The store's file is gone. Please name another folder with --store and register everybody anew.",
    )
}

/// One thing to do about a store that does not open, where the words for its code leave out that there are folders.
fn advised(error: kazasu::Error) -> Failure {
    let (ja, en) = match &error {
        kazasu::Error::Store(StoreFault::KeyMissing) => (
            "保存データの鍵（keys フォルダー）がありません。元に戻してください",
            "Keys of the store are gone. Please put its folder keys back.",
        ),
        kazasu::Error::Store(StoreFault::Damaged { what: "anchor" }) => (
            "keys/anchor が壊れています。バックアップから戻してください",
            "keys/anchor is damaged. Please put it back from a backup.",
        ),
        kazasu::Error::Store(StoreFault::Damaged { .. }) => (
            "保存データが壊れています。--store で別のフォルダーを指定し、登録し直してください",
            "The stored data are damaged. Please name another folder with --store and register everybody anew.",
        ),
        kazasu::Error::Store(StoreFault::Replaced) => (
            "端末の鍵が替わり、開けません。--store で別のフォルダーを指定し、登録し直してください",
            "The keys have changed. Please name another folder with --store and register everybody anew.",
        ),
        _ => return error.into(),
    };
    Failure::from(error).advise(ja, en)
}

fn settings(folder: &Path, keys: FileKeys, log_key: SoftwareDeviceKey) -> Result<StoreSettings, Failure> {
    let damaged = || advised(StoreFault::Damaged { what: "anchor" }.into());
    let anchor = match std::fs::read(anchor(folder)) {
        Ok(bytes) => Some(Checkpoint::from_bytes(&bytes).ok_or_else(damaged)?),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(_) => return Err(damaged()),
    };
    Ok(StoreSettings {
        path: file(folder),
        log_key: Arc::new(log_key),
        key_wrapper: Arc::new(keys),
        clock: Arc::new(SystemClock),
        verifier: SignatureVerifier::ring(),
        anchor,
        is_anchor_kept: true,
        limits: Limits::default(),
    })
}
