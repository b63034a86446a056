using System.Globalization;

namespace ChatApi.Tests.Support;

/// <summary>
/// A real nginx before several replicas, set up as docs/replicas.md tells operators to. Buffering is as nginx has it by default, so
/// that what comes through piece by piece does so because of what ChatApi sends.
/// </summary>
public sealed class NginxServer : IAsyncDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly int _port = ServerPrograms.FreePort();
    private ChildProcess? _child;

    private NginxServer()
    {
    }

    /// <summary>Where it listens, with a trailing slash.</summary>
    public Uri Address => new(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{_port}/"));

    public static async Task<NginxServer> StartAsync(IEnumerable<Uri> replicas)
    {
        var server = new NginxServer();
        try
        {
            await File.WriteAllTextAsync(server._directory.File("nginx.conf"), server.Configuration(replicas));
            await ServerPrograms.HandOverAsync(server._directory);
            server._child = ServerPrograms.StartUnprivileged(
                ServerPrograms.Find("nginx"), ["-p", server._directory.Path, "-c", server._directory.File("nginx.conf")], server._directory);
            using var client = new HttpClient { BaseAddress = server.Address };
            await Poll.UntilAsync(() => server.IsAnsweringAsync(client), "nginx answering");
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_child is not null)
        {
            // A master that is killed leaves its workers behind.
            _child.Signal(ProcessSignal.Terminate);
            await _child.WaitForExitAsync();
            await _child.DisposeAsync();
        }

        _directory.Dispose();
    }

    private string Configuration(IEnumerable<Uri> replicas) => string.Create(CultureInfo.InvariantCulture, $$"""
        daemon off;
        worker_processes 1;
        pid {{_directory.File("nginx.pid")}};
        error_log stderr warn;
        events { worker_connections 1024; }
        http {
          access_log off;
          client_body_temp_path {{_directory.File("body")}};
          proxy_temp_path {{_directory.File("proxy")}};
          fastcgi_temp_path {{_directory.File("fastcgi")}};
          uwsgi_temp_path {{_directory.File("uwsgi")}};
          scgi_temp_path {{_directory.File("scgi")}};
          upstream chatapi {
            {{string.Concat(replicas.Select(replica => $"server {replica.Authority}; "))}}
            keepalive 32;
          }
          server {
            listen 127.0.0.1:{{_port}};
            location / {
              proxy_pass http://chatapi;
              proxy_http_version 1.1;
              proxy_set_header Connection "";
              proxy_set_header Host $host;
              proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
              proxy_set_header X-Forwarded-Proto $scheme;
              proxy_connect_timeout 2s;
            }
          }
        }

        """);

    private async Task<bool> IsAnsweringAsync(HttpClient client)
    {
        if (_child is { HasExited: true })
            throw new InvalidOperationException($"nginx ended:\n{_child.Output}");
        try
        {
            using var answer = await client.GetAsync("/health/live");
            return true;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }
}
