using System.Buffers;
using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace ChatApi.Application.Shares;

/// <summary>What opens a share: 32 random bytes in Base64url. Kept is its SHA-256 alone, which nobody can turn back.</summary>
internal static class ShareToken
{
    private const int Length = 32;

    public static string New() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(Length));

    /// <returns>False if it is none.</returns>
    public static bool TryHash(string token, [NotNullWhen(true)] out byte[]? hash)
    {
        Span<byte> bytes = stackalloc byte[Length];
        hash = token.Length == Base64Url.GetEncodedLength(Length)
            && Base64Url.DecodeFromChars(token, bytes, out _, out var written) == OperationStatus.Done && written == Length
            ? SHA256.HashData(bytes)
            : null;
        return hash is not null;
    }
}
