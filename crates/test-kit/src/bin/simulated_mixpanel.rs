//! The simulated Mixpanel as a server of its own, for demonstrations and measurements:
//!
//! ```text
//! cargo run -p kleos-test-kit --bin simulated-mixpanel -- 127.0.0.1:9470
//! curl 127.0.0.1:9470/simulated/summary
//! ```

use std::io::{self, Write};
use std::process::ExitCode;

use kleos_service_kit::clock::SystemClock;
use kleos_test_kit::mixpanel::Mixpanel;
use kleos_test_kit::mixpanel::project::Project;
use kleos_test_kit::mixpanel::server::serve;
use tokio::net::TcpListener;
use tokio::runtime::Builder;

fn main() -> ExitCode {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".to_owned());
    match run(&address) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Where stderr is gone there is nobody left to tell.
            writeln!(io::stderr(), "cannot serve on {address}: {error}").ok();
            ExitCode::FAILURE
        }
    }
}

fn run(address: &str) -> io::Result<()> {
    let project = Project::default();
    Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let listener = TcpListener::bind(address).await?;
        let Project { id, token, account: (user, secret), .. } = &project;
        writeln!(
            io::stdout(),
            "[sink]\nurl = \"http://{}\"\nproject_id = \"{id}\"\nusername = \"{user}\"\n\
             secret = \"{secret}\"\n# or: token = \"{token}\"",
            listener.local_addr()?
        )?;
        let mixpanel = Mixpanel::new(project, SystemClock::shared());
        serve(listener, mixpanel, std::future::pending()).await
    })
}
