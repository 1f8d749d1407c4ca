//! The article's service on Warp.

use peers::{Service, port};
use warp::Filter;
use warp::reply::html;

#[tokio::main]
async fn main() {
    let service = Service::new();
    let with = {
        let service = service.clone();
        warp::any().map(move || service.clone())
    };
    let empty = warp::path!("empty").map(|| html("ok"));
    let read = warp::path!("read")
        .and(with.clone())
        .then(|s: std::sync::Arc<Service>| async move { html(s.read().await) });
    let fast = warp::path!("fast")
        .and(with.clone())
        .then(|s: std::sync::Arc<Service>| async move { html(s.fast().await) });
    let cpualloc = warp::path!("cpualloc")
        .and(with.clone())
        .map(|s: std::sync::Arc<Service>| html(s.cpualloc()));
    let cpu = warp::path!("cpu")
        .and(with)
        .map(|s: std::sync::Arc<Service>| html(s.cpu()));
    let routes = warp::get().and(empty.or(read).or(fast).or(cpualloc).or(cpu));
    warp::serve(routes).run(([127, 0, 0, 1], port())).await;
}
