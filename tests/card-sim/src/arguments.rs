//! The command line.

use clap::Parser;
use kazasu_card_sim::{
    ATR_CONTACT, ATR_CONTACTLESS, ApplicationKind, Config, EndOfFile, FaultAt, Oddity, Profile, Validity,
};
use std::{fs, path::PathBuf};

/// A simulated My Number card with a synthetic holder.
///
/// Connects to a virtual reader (vpcd), which inserts the card, and answers until the reader closes. Prints one JSON line
/// when inserted.
#[derive(Debug, Parser)]
#[command(version, after_long_help = format!("Faults (--fault) have the form\n{}", FaultAt::SYNTAX))]
pub(crate) struct Arguments {
    /// Address of the virtual reader, such as 127.0.0.1:35963
    #[arg(long, value_name = "HOST:PORT", required_unless_present = "reset")]
    pub(crate) vpcd: Option<String>,
    /// today, next-p256, next-p384, phone, phone-ios, no-sfi, no-extended, strict, old or not-jpki
    #[arg(long, default_value = "today")]
    profile: Profile,
    /// Whose card, 1 to 10
    #[arg(long, value_name = "N", default_value_t = 1)]
    person: u8,
    /// File that keeps PINs and tries from run to run
    #[arg(long, value_name = "FILE")]
    pub(crate) state: Option<PathBuf>,
    /// Begin with the PINs and tries of a new card; without --vpcd, only do that
    #[arg(long, requires = "state")]
    pub(crate) reset: bool,
    /// Insert the card this many milliseconds after starting
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pub(crate) insert_after: u64,
    /// After a fault took the card away, insert it again this many milliseconds later instead of ending
    #[arg(long, value_name = "MS")]
    pub(crate) reinsert_after: Option<u64>,
    /// Print a JSON line for each exchange: INS, status word and lengths
    #[arg(long)]
    pub(crate) trace: bool,
    /// A fault such as ins=20:drop-after or exchange=4:status=6F00; may be given several times. --help has them all
    #[arg(long, value_name = "WHEN:WHAT")]
    pub(crate) fault: Vec<FaultAt>,
    /// Answer to reset: hex, or `contact` or `contactless`
    #[arg(long, value_name = "HEX", default_value = "contact", value_parser = parse_atr)]
    atr: Atr,
    /// Refuse short EF identifiers
    #[arg(long)]
    no_sfi: bool,
    /// Refuse extended-length commands
    #[arg(long)]
    no_extended: bool,
    /// Refuse to select by the beginning of a DF name
    #[arg(long)]
    no_partial_names: bool,
    /// Answer the first command after power-on with 6F00
    #[arg(long = "first-command-6f00")]
    first_command_6f00: bool,
    /// Answer with 61xx and 6Cxx like a T=0 card
    #[arg(long)]
    procedure_bytes: bool,
    /// Answer 6983 instead of 6984 to VERIFY with a blocked PIN
    #[arg(long)]
    blocked_as_6983: bool,
    /// Answer 9000 to the query for tries left of a verified PIN
    #[arg(long)]
    query_after_verify_9000: bool,
    /// Answer 6700 to the query for tries left that has a length byte
    #[arg(long)]
    query_with_length_6700: bool,
    /// Close PINs when the current application is selected again
    #[arg(long)]
    strict_reselect: bool,
    /// Keep PINs open over a warm reset
    #[arg(long)]
    warm_reset_keeps_pins: bool,
    /// What fills the certificate files after the certificate: 00, FF or none
    #[arg(long, default_value = "00", value_parser = parse_filler)]
    certificate_filler: Filler,
    /// How many bytes of FF follow the attributes and the printed face
    #[arg(long, value_name = "N", default_value_t = 16)]
    record_filler: usize,
    /// An odd record, such as no-photo or sex-3; may be given several times. A wrong name tells them all
    #[arg(long, value_name = "NAME")]
    oddity: Vec<Oddity>,
    /// First valid second of the certificates, in unix seconds
    #[arg(long, value_name = "SECONDS", requires = "not_after")]
    not_before: Option<u64>,
    /// Last valid second of the certificates, in unix seconds
    #[arg(long, value_name = "SECONDS", requires = "not_before")]
    not_after: Option<u64>,
    /// Leave the signature certificate and its password out, as on a child's card
    #[arg(long)]
    without_signature_certificate: bool,
    /// Put the policy of signature certificates into the authentication certificate
    #[arg(long)]
    wrong_policy: bool,
    /// Sign something else than what was sent
    #[arg(long)]
    wrong_signature: bool,
    /// Take this many milliseconds longer for each signature
    #[arg(long, value_name = "MS", default_value_t = 0)]
    slow_signature_ms: u64,
    /// Give the holder an address of more than 127 bytes
    #[arg(long)]
    long_address: bool,
    /// Return at most this many bytes per READ BINARY
    #[arg(long, value_name = "N")]
    read_limit: Option<usize>,
    /// How the end of a file is told: remaining, empty, warned, refused or exact
    #[arg(long, default_value = "remaining", value_name = "HOW")]
    end_of_file: EndOfFile,
    /// Let transparent files go on with FF for ever
    #[arg(long)]
    endless_files: bool,
    /// Answer 6A81 to reading several records at once
    #[arg(long)]
    single_records_only: bool,
    /// Leave an application out: common, resident-register, surface, text-input or jpki; may be given several times
    #[arg(long, value_name = "APPLICATION")]
    without_application: Vec<ApplicationKind>,
    /// Give a file other contents, such as jpki/000A=certificate.der; may be given several times
    #[arg(long, value_name = "APPLICATION/ID=FILE", value_parser = parse_file)]
    file: Vec<Override>,
}

#[derive(Clone, Debug)]
struct Atr(Vec<u8>);

#[derive(Clone, Copy, Debug)]
struct Filler(Option<u8>);

#[derive(Clone, Debug)]
struct Override {
    application: ApplicationKind,
    id: u16,
    path: PathBuf,
}

impl Arguments {
    /// The profile with the switches that were given.
    pub(crate) fn config(&self) -> Result<Config, String> {
        let profile = Config::new(self.profile, self.person);
        let validity = self.not_before.zip(self.not_after);
        let mut config = Config {
            sfi: profile.sfi && !self.no_sfi,
            extended: profile.extended && !self.no_extended,
            partial_names: profile.partial_names && !self.no_partial_names,
            first_command_6f00: self.first_command_6f00,
            procedure_bytes: self.procedure_bytes,
            blocked_as_6983: profile.blocked_as_6983 || self.blocked_as_6983,
            query_after_verify_9000: self.query_after_verify_9000,
            query_with_length_6700: profile.query_with_length_6700 || self.query_with_length_6700,
            strict_reselect: profile.strict_reselect || self.strict_reselect,
            warm_reset_keeps_pins: self.warm_reset_keeps_pins,
            certificate_filler: self.certificate_filler.0,
            record_filler: self.record_filler,
            certificate_validity: validity.map(|(not_before, not_after)| Validity { not_before, not_after }),
            without_signature_certificate: self.without_signature_certificate,
            wrong_policy: self.wrong_policy,
            wrong_signature: self.wrong_signature,
            slow_signature_ms: self.slow_signature_ms,
            long_address: self.long_address,
            oddities: self.oddity.clone(),
            read_limit: self.read_limit,
            end_of_file: self.end_of_file,
            endless_files: self.endless_files,
            single_records_only: self.single_records_only,
            without_applications: self.without_application.clone(),
            atr: self.atr.0.clone(),
            ..profile
        };
        for Override { application, id, path } in &self.file {
            let content = fs::read(path).map_err(|error| format!("--file {}: {error}", path.display()))?;
            config = config.with_file(*application, *id, content);
        }
        Ok(config)
    }
}

fn parse_atr(text: &str) -> Result<Atr, String> {
    match text {
        "contact" => return Ok(Atr(ATR_CONTACT.to_vec())),
        "contactless" => return Ok(Atr(ATR_CONTACTLESS.to_vec())),
        _ => {}
    }
    let digits: Vec<u32> =
        text.chars().map(|digit| digit.to_digit(16)).collect::<Option<_>>().ok_or("an ATR is hex digits")?;
    let bytes: Vec<u8> =
        digits.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | *digit as u8)).collect();
    let fits = digits.len().is_multiple_of(2) && (2..=33).contains(&bytes.len());
    if fits { Ok(Atr(bytes)) } else { Err("an ATR is 2 to 33 bytes (ISO/IEC 7816-3, 8.2.1)".to_owned()) }
}

fn parse_filler(text: &str) -> Result<Filler, String> {
    match text {
        "none" => Ok(Filler(None)),
        "00" => Ok(Filler(Some(0x00))),
        "FF" | "ff" => Ok(Filler(Some(0xFF))),
        _ => Err("the filler is 00, FF or none".to_owned()),
    }
}

fn parse_file(text: &str) -> Result<Override, String> {
    let wrong = || format!("{text:?} is not a file such as jpki/000A=certificate.der");
    let (name, path) = text.split_once('=').ok_or_else(wrong)?;
    let (application, id) = name.split_once('/').ok_or_else(wrong)?;
    let id = u16::from_str_radix(id, 16).map_err(|_| wrong())?;
    Ok(Override { application: application.parse()?, id, path: path.into() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent_and_its_help_explains_faults() {
        Arguments::command().debug_assert();
        assert!(Arguments::command().render_long_help().to_string().contains("status-after=XXXX"));
    }

    #[test]
    fn switches_add_to_those_of_the_profile() {
        let config = |text: &str| Arguments::parse_from(text.split(' ')).config().expect("a configuration");
        assert_eq!(config("sim --vpcd x --profile no-sfi --person 3"), Config::new(Profile::NoSfi, 3));
        let strict = config("sim --vpcd x --profile strict --no-sfi --read-limit 1 --without-application common");
        assert!(strict.strict_reselect && !strict.sfi && strict.read_limit == Some(1));
        assert_eq!(strict.without_applications, [ApplicationKind::Common]);
        let wrong = Arguments::try_parse_from(["sim", "--vpcd", "x", "--file", "jpki/XX=y"]);
        assert!(wrong.expect_err("not hex").to_string().contains("jpki/000A"));
    }
}
