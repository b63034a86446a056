using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace ChatApi.Tests.Support;

/// <summary>A span as it arrived.</summary>
public sealed record ReceivedSpan(
    string Scope, string TraceId, string Id, string ParentId, string Name, SpanKind Kind, bool HasFailed, IReadOnlyDictionary<string, object> Attributes);

/// <summary>A point of a metric as it arrived: of a histogram its sum, and how many values are in it.</summary>
public sealed record ReceivedPoint(string Metric, string Unit, double Value, ulong Count, IReadOnlyDictionary<string, object> Attributes);

/// <summary>A line of the log as it arrived.</summary>
public sealed record ReceivedLog(string Body, string TraceId, string SpanId, IReadOnlyDictionary<string, object> Attributes);

/// <summary>The numbers of OTLP.</summary>
public enum SpanKind
{
    Unspecified,
    Internal,
    Server,
    Client,
}

/// <summary>A collector of OpenTelemetry's: takes OTLP over HTTP, and keeps every byte.</summary>
public sealed class OtlpReceiver : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentQueue<byte[]> _bodies = new();
    private readonly ConcurrentQueue<ProtobufMessage> _traces = new();
    private readonly ConcurrentQueue<ProtobufMessage> _metrics = new();
    private readonly ConcurrentQueue<ProtobufMessage> _logs = new();
    private readonly ConcurrentQueue<IReadOnlyDictionary<string, string>> _headers = new();

    private OtlpReceiver(WebApplication app) => _app = app;

    /// <summary>A value of <c>OTEL_EXPORTER_OTLP_ENDPOINT</c>.</summary>
    public string Url => _app.Urls.First();

    /// <summary>All that came, as it came.</summary>
    public IReadOnlyCollection<byte[]> Bodies => _bodies;

    /// <summary>The headers of all that came.</summary>
    public IReadOnlyCollection<IReadOnlyDictionary<string, string>> Headers => _headers;

    public IReadOnlyList<ReceivedSpan> Spans =>
    [
        .. from request in _traces
           from resource in request.Messages(1)
           from scope in resource.Messages(2)
           from span in scope.Messages(2)
           select new ReceivedSpan(
               scope.Message(1).Text(1), span.Hex(1), span.Hex(2), span.Hex(4), span.Text(5), (SpanKind)span.Number(6), span.Message(15).Number(3) == 2,
               Attributes(span, 9)),
    ];

    public IReadOnlyList<ReceivedPoint> Points =>
    [
        .. from request in _metrics
           from resource in request.Messages(1)
           from scope in resource.Messages(2)
           from metric in scope.Messages(2)
           from kind in (int[])[5, 7, 9]
           from data in metric.Messages(kind)
           from point in data.Messages(1)
           select kind == 9
               ? new ReceivedPoint(metric.Text(1), metric.Text(3), point.Double(5), point.Number(4), Attributes(point, 9))
               : new ReceivedPoint(metric.Text(1), metric.Text(3), point.Has(4) ? point.Double(4) : (long)point.Number(6), 1, Attributes(point, 7)),
    ];

    public IReadOnlyList<ReceivedLog> Logs =>
    [
        .. from request in _logs
           from resource in request.Messages(1)
           from scope in resource.Messages(2)
           from line in scope.Messages(2)
           select new ReceivedLog(line.Message(5).Text(1), line.Hex(9), line.Hex(10), Attributes(line, 6)),
    ];

    /// <summary>The attributes of each process that sent something.</summary>
    public IReadOnlyList<IReadOnlyDictionary<string, object>> Resources =>
    [
        .. from request in _traces.Concat(_metrics).Concat(_logs)
           from resource in request.Messages(1)
           select Attributes(resource.Message(1), 1),
    ];

    public static async Task<OtlpReceiver> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var receiver = new OtlpReceiver(app);
        app.MapPost("/v1/traces", (HttpRequest request) => receiver.TakeAsync(request, receiver._traces));
        app.MapPost("/v1/metrics", (HttpRequest request) => receiver.TakeAsync(request, receiver._metrics));
        app.MapPost("/v1/logs", (HttpRequest request) => receiver.TakeAsync(request, receiver._logs));
        await app.StartAsync();
        return receiver;
    }

    /// <summary>The settings with which ChatApi sends all to this one, and soon.</summary>
    public Dictionary<string, string?> Settings() => new()
    {
        ["OTEL_EXPORTER_OTLP_ENDPOINT"] = Url,
        ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
        ["OTEL_BSP_SCHEDULE_DELAY"] = "100",
        ["OTEL_BLRP_SCHEDULE_DELAY"] = "100",
        ["OTEL_METRIC_EXPORT_INTERVAL"] = "200",
    };

    /// <summary>Waits for a span.</summary>
    public Task<ReceivedSpan> SpanAsync(Func<ReceivedSpan, bool> fits, string what) =>
        Poll.ForAsync(() => Task.FromResult(Spans.FirstOrDefault(fits)), what);

    /// <summary>Whether a text is in what came, wherever.</summary>
    public bool Holds(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        return _bodies.Any(body => body.AsSpan().IndexOf(bytes) >= 0);
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task<IResult> TakeAsync(HttpRequest request, ConcurrentQueue<ProtobufMessage> queue)
    {
        using var body = new MemoryStream();
        await request.Body.CopyToAsync(body);
        var bytes = body.ToArray();
        _headers.Enqueue(request.Headers.ToDictionary(header => header.Key.ToLowerInvariant(), header => header.Value.ToString()));
        _bodies.Enqueue(bytes);
        queue.Enqueue(new(bytes));
        return Results.Bytes([], "application/x-protobuf");
    }

    private static Dictionary<string, object> Attributes(ProtobufMessage message, int number) =>
        message.Messages(number).ToDictionary(attribute => attribute.Text(1), attribute => Value(attribute.Message(2)));

    private static object Value(ProtobufMessage value) =>
        value.Has(1) ? value.Text(1)
        : value.Has(2) ? value.Number(2) == 1
        : value.Has(3) ? (long)value.Number(3)
        : value.Has(4) ? value.Double(4)
        : value.Has(5) ? string.Join(',', value.Message(5).Messages(1).Select(item => Convert.ToString(Value(item), CultureInfo.InvariantCulture)))
        : "";
}
