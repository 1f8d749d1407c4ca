//! The article's service on axum.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::Html;
use axum::routing::get;
use peers::{Service, port};

#[tokio::main]
async fn main() {
    let app = Router::new()
        .route("/empty", get(|| async { Html("ok") }))
        .route(
            "/read",
            get(|State(s): State<Arc<Service>>| async move { Html(s.read().await) }),
        )
        .route(
            "/fast",
            get(|State(s): State<Arc<Service>>| async move { Html(s.fast().await) }),
        )
        .route(
            "/cpualloc",
            get(|State(s): State<Arc<Service>>| async move { Html(s.cpualloc()) }),
        )
        .route(
            "/cpu",
            get(|State(s): State<Arc<Service>>| async move { Html(s.cpu()) }),
        )
        .with_state(Service::new());
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port()))
        .await
        .expect("the port is free");
    axum::serve(listener, app)
        .await
        .expect("it serves until it is ended");
}
