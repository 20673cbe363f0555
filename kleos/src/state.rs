//! `kleos state`: the local state of a rules-processor that does not run.

use std::path::Path;

use kleos_contracts::topic::Topic;
use kleos_service_kit::data_dir::DataDir;
use kleos_service_kit::failure::Failure;

use crate::cli::StateArgs;
use crate::config::{self, Needs};
use crate::open;
use crate::output::JsonLines;

pub(crate) fn run(config: Option<&Path>, args: &StateArgs) -> Result<(), Failure> {
    let config = config::read(config, Needs::default())?.value;
    let path = args.data.as_deref().unwrap_or(&config.data);
    if !path.is_dir() {
        return Err(Failure::new("there is no data directory")
            .at(path.display())
            .remedy("name it with --data, or the configuration that does with --config"));
    }
    let data = DataDir::open(path)?;
    let view = open::view(&config, args.log.log)?;
    let codec = view.log.codec(Topic::State).map_err(Failure::new)?;
    let mut lines = JsonLines::new();
    let directory = kleos_rules_processor::state_directory(data.path());
    kleos_rules_processor::read_state(&directory, &codec, |learner| {
        lines.write(&learner).map(drop)
    })?;
    lines.flush().map(drop)
}
