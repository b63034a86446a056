using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace ChatApi.Infrastructure;

/// <summary>
/// JSON whose size is not known beforehand, written in a buffer that is kept: a writer asks for three bytes a character, and gets an
/// array twice as large each time, all of them thrown away but for the last.
/// </summary>
internal static class ScratchJson
{
    private const int FirstSize = 16 * 1024;
    private const int LargestKept = 1024 * 1024;

    // None of it is HTML: text in other alphabets need not be escaped.
    private static readonly JsonWriterOptions Unescaped = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    [ThreadStatic]
    private static ArrayBufferWriter<byte>? _scratch;

    /// <param name="value">What <paramref name="write"/> writes.</param>
    /// <param name="write">Writes it; must not write another one meanwhile.</param>
    public static byte[] Write<T>(T value, Action<Utf8JsonWriter, T> write)
    {
        var buffer = _scratch ??= new(FirstSize);
        buffer.ResetWrittenCount();
        using (var json = new Utf8JsonWriter(buffer, Unescaped))
            write(json, value);
        if (buffer.Capacity > LargestKept)
            _scratch = null;
        return buffer.WrittenSpan.ToArray();
    }
}
