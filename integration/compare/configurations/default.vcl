# Varnish as a proxy: everything passes. Reads go to the near registry, then to the far one; writes to the near one alone.
#
# bereq.http.x-near says why the far registry is asked: "away" if the near one could not be. A 404 of the far one is made a 503 then.
vcl 4.1;
import std;

probe ping {
    .request = "GET /v2/ HTTP/1.1" "Host: registry" "Connection: close";
    .expected_response = @PING@;
    .interval = 2s;
    .timeout = 2s;
    .window = 2;
    .threshold = 2;
    .initial = 2;
}
backend near {
    .host = "127.0.0.1";
    .port = "@NEAR@";
    .connect_timeout = 1s;
    .first_byte_timeout = 10s;
    .between_bytes_timeout = 30s;
    .probe = ping;
}
backend far {
    .host = "127.0.0.1";
    .port = "@FAR@";
    .connect_timeout = 1s;
    .first_byte_timeout = 10s;
    .between_bytes_timeout = 30s;
}
backend owner {
    .host = "127.0.0.1";
    .port = "@NEAR@";
    .connect_timeout = 1s;
    .first_byte_timeout = 300s;
}
sub vcl_recv {
    unset req.http.x-near;
    if (req.method != "GET" && req.method != "HEAD") {
        set req.backend_hint = owner;
    } else if (std.healthy(near)) {
        set req.backend_hint = near;
    } else {
        set req.backend_hint = far;
        set req.http.x-near = "away";
    }
    return (pass);
}
sub vcl_backend_fetch {
    if (bereq.url !~ "/blobs/") {
        set bereq.first_byte_timeout = 3s;
    }
}
sub vcl_backend_response {
    set beresp.do_stream = true;
    set beresp.uncacheable = true;
    if (bereq.method == "GET" || bereq.method == "HEAD") {
        if (bereq.retries == 0 && bereq.http.x-near != "away" && (beresp.status == 404 || beresp.status == 429 || beresp.status >= 500)) {
            if (beresp.status != 404) {
                set bereq.http.x-near = "away";
            }
            set bereq.backend = far;
            return (retry);
        }
        if (beresp.status == 404 && bereq.http.x-near == "away") {
            set beresp.status = 503;
        }
    }
}
sub vcl_backend_error {
    if ((bereq.method == "GET" || bereq.method == "HEAD") && bereq.retries == 0 && bereq.http.x-near != "away") {
        set bereq.http.x-near = "away";
        set bereq.backend = far;
        return (retry);
    }
}
