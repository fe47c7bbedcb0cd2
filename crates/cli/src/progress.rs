//! A progress bar on standard error, for work that takes longer than a second on a terminal.
//!
//! A thread of its own draws it from two counters, so it moves while the work is inside the library.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::console::{Console, bytes};

/// Work shorter than this shows nothing.
const PATIENCE: Duration = Duration::from_secs(1);
const REDRAW: Duration = Duration::from_millis(200);

/// How far the work is.
#[derive(Clone, Debug, Default)]
pub struct Counters {
    /// Bytes of input used, of the total.
    pub input: Arc<AtomicU64>,
    /// Content bytes handled: what speed means.
    pub content: Arc<AtomicU64>,
}

impl Counters {
    /// For work whose input is the content itself.
    pub fn one() -> Self {
        let content = Arc::new(AtomicU64::new(0));
        Self { input: content.clone(), content }
    }
}

/// A bar that lives as long as this value.
pub struct Progress {
    /// How far the work is.
    pub counters: Counters,
    thread: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Progress {
    /// Starts the clock. `total` bytes of input, where that is known.
    pub fn start(console: &Console, label: String, total: Option<u64>, counters: Counters) -> Self {
        let thread = (console.terminal && console.talks())
            .then(|| {
                let (stop, stopped) = channel::<()>();
                let counters = counters.clone();
                let run = move || {
                    let start = Instant::now();
                    if !matches!(stopped.recv_timeout(PATIENCE), Err(RecvTimeoutError::Timeout)) {
                        return;
                    }
                    let bar = bar(&label, total);
                    loop {
                        draw(&bar, &counters, total, start.elapsed());
                        if !matches!(stopped.recv_timeout(REDRAW), Err(RecvTimeoutError::Timeout)) {
                            break;
                        }
                    }
                    bar.finish_and_clear();
                };
                // Without a thread there is no bar; the work matters more.
                let thread = std::thread::Builder::new().name("progress".into()).spawn(run).ok()?;
                Some((stop, thread))
            })
            .flatten();
        Self { counters, thread }
    }
}

fn bar(label: &str, total: Option<u64>) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr());
    let template = match total {
        Some(_) => "{prefix} [{bar:24}] {percent:>3} % {msg}",
        None => "{prefix} {spinner} {msg}",
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.set_prefix(label.to_owned());
    bar
}

fn draw(bar: &ProgressBar, counters: &Counters, total: Option<u64>, elapsed: Duration) {
    let (input, content) = (counters.input.load(Relaxed), counters.content.load(Relaxed));
    let speed = content as f64 / elapsed.as_secs_f64().max(1e-3);
    let mut message = format!("{}, {:.1} MB/s", bytes(content), speed / 1e6);
    if let Some(left) = total.and_then(|t| t.checked_sub(input)).filter(|&l| l > 0 && input > 0) {
        let rate = input as f64 / elapsed.as_secs_f64().max(1e-3);
        let eta = Duration::from_secs_f64((left as f64 / rate).min(1e8));
        message.push_str(&format!(", ETA {}", HumanDuration(eta)));
    }
    bar.set_position(input);
    bar.set_message(message);
    bar.tick();
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.thread.take() {
            drop(stop);
            // A bar that failed is no reason for the work to fail.
            let _ = thread.join();
        }
    }
}
