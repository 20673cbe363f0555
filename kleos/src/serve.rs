//! One service on Kafka.

use std::path::Path;

use kleos_event_log::EventLog;
use kleos_service_kit::bootstrap::{self, Process};
use kleos_service_kit::data_dir::DataDir;
use kleos_service_kit::failure::Failure;

use crate::cli::ServiceArgs;
use crate::config::{self, Config, Needs};
use crate::open;

pub(crate) fn gateway(path: Option<&Path>, args: &ServiceArgs) -> Result<(), Failure> {
    let needs = Needs { gateway: true, kafka: true, ..Needs::default() };
    serve(path, args, needs, async |process, log, config| {
        let Some(settings) = config.gateway.take() else { return Ok(()) };
        kleos_ingest_gateway::start(process, log.clone(), settings).await.map(drop)
    })
}

pub(crate) fn normalizer(path: Option<&Path>, args: &ServiceArgs) -> Result<(), Failure> {
    let needs = Needs { normalizer: true, kafka: true, ..Needs::default() };
    serve(path, args, needs, async |process, log, config| {
        let Some(settings) = config.normalizer.take() else { return Ok(()) };
        kleos_normalizer::start(process, log, &config.instance, &settings)
    })
}

pub(crate) fn rules(path: Option<&Path>, args: &ServiceArgs) -> Result<(), Failure> {
    let needs = Needs { rules: true, kafka: true, ..Needs::default() };
    serve(path, args, needs, async |process, log, config| {
        let Some(settings) = config.rules.take() else { return Ok(()) };
        kleos_rules_processor::start(process, log, &config.instance, settings).await
    })
}

pub(crate) fn sink(path: Option<&Path>, args: &ServiceArgs) -> Result<(), Failure> {
    let needs = Needs { sink: true, kafka: true, ..Needs::default() };
    serve(path, args, needs, async |process, log, config| {
        let Some(settings) = config.sink.take() else { return Ok(()) };
        kleos_analytics_sink::start(process, log.clone(), &config.instance, settings)
            .await
            .map(drop)
    })
}

fn serve(
    path: Option<&Path>,
    args: &ServiceArgs,
    needs: Needs,
    start: impl AsyncFnOnce(&Process, &EventLog, &mut Config) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let loaded = config::read(path, needs)?;
    let mut config = loaded.value;
    if let Some(instance) = &args.instance {
        config.instance.clone_from(instance);
    }
    // Only the rules-processor keeps something on the disk.
    let data = needs.rules.then(|| DataDir::open(&config.data)).transpose()?;
    let settings = config.process.clone();
    // Nobody is asked yet. Within the runtime the registry's client, which blocks, cannot be made.
    let log = open::kafka(&config)?;
    let served = bootstrap::serve(&settings, &loaded.warnings, async |process: Process| {
        bootstrap::serve_admin(&process, config.admin).await?;
        start(&process, &log, &mut config).await
    });
    drop(data);
    served
}
