//! The family's store on this computer, and what one member keeps in it.

mod add;
mod confirm;
mod expenses;
pub(crate) mod keeper;
mod members;

pub(crate) use expenses::Expenses;
pub(crate) use keeper::MemberKeeper;
pub(crate) use members::run;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use kazasu::crypto::SignatureVerifier;
use kazasu::error::StoreFault;
use kazasu::session::Qualified;
use kazasu::store::{
    CheckedBy, Checkpoint, FileKeys, HistoryEntry, Limits, Member, RetentionPolicy, Store, StoreSettings,
};
use kazasu::text::looks_alike;
use kazasu::time::{Clock, SystemClock};

use crate::args::Global;
use crate::failure::Failure;
use crate::files;

/// The store of `--store`, open.
pub(crate) struct Family {
    pub(crate) store: Store,
    folder: PathBuf,
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
            return Self::at(folder).map(Some);
        }
        if anchor(&folder).exists() {
            return Err(Failure::usage(format!("{}: gone, but not its keys", file(&folder).display())).advise(
                "保存ファイルがありません。元に戻すか、--store で別のフォルダーを指定してください",
                "The store's file is gone. Please put it back, or name another folder with --store.",
            ));
        }
        Ok(None)
    }

    /// Makes the store where there is none.
    pub(crate) fn create(global: &Global) -> Result<Self, Failure> {
        Self::create_at(&folder(global)?)
    }

    /// Makes a store in a folder of its own.
    pub(crate) fn create_at(folder: &Path) -> Result<Self, Failure> {
        files::make_folder(folder)?;
        Ok(Self { store: Store::create(settings(folder)?)?, folder: folder.to_owned() })
    }

    fn at(folder: PathBuf) -> Result<Self, Failure> {
        // Else an empty folder of keys would be made, and stand in the way of the right one.
        if !keys(&folder).exists() {
            return Err(StoreFault::KeyMissing.into());
        }
        let store = Store::open(settings(&folder)?)?;
        // The open store locks others out.
        files::sweep(&keys(&folder));
        Ok(Self { store, folder })
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
        self.store.apply_retention_daily(RetentionPolicy::default())?;
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

fn settings(folder: &Path) -> Result<StoreSettings, Failure> {
    let keys = FileKeys::open(&keys(folder))?;
    let anchor = match std::fs::read(anchor(folder)) {
        Ok(bytes) => Some(Checkpoint::from_bytes(&bytes).ok_or_else(|| Failure::usage("keys/anchor cannot be read"))?),
        Err(_) => None,
    };
    Ok(StoreSettings {
        path: file(folder),
        log_key: Arc::new(keys.log_key()?),
        key_wrapper: Arc::new(keys),
        clock: Arc::new(SystemClock),
        verifier: SignatureVerifier::ring(),
        anchor,
        limits: Limits::default(),
    })
}
