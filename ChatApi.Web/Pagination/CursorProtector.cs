using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using ChatApi.Application.Accounts;
using ChatApi.Application.Errors;

namespace ChatApi.Web.Pagination;

/// <summary>
/// Makes cursors that only the list and the user they were made for can use. Signed with a key derived from the tokens' key,
/// so that every replica reads every other's.
/// </summary>
public sealed class CursorProtector(TokenOptions options)
{
    private const int SignatureLength = 16;
    private readonly byte[] _key = HKDF.DeriveKey(HashAlgorithmName.SHA256, options.Key, 32, info: "chatapi cursor"u8.ToArray());

    /// <param name="list">The list and its user.</param>
    /// <param name="place">Where the page ended.</param>
    public string Protect(string list, string place)
    {
        var text = Encoding.UTF8.GetBytes(place);
        return Base64Url.EncodeToString([.. Sign(list, text), .. text]);
    }

    /// <exception cref="InvalidRequestException"><c>invalid_cursor</c>.</exception>
    public string Unprotect(string list, string cursor)
    {
        if (Base64Url.IsValid(cursor) && Base64Url.DecodeFromChars(cursor) is { Length: > SignatureLength } bytes)
        {
            var text = bytes.AsSpan(SignatureLength);
            if (CryptographicOperations.FixedTimeEquals(bytes.AsSpan(0, SignatureLength), Sign(list, text)))
                return Encoding.UTF8.GetString(text);
        }

        throw new InvalidRequestException(ErrorCodes.InvalidCursor, "The cursor is none of this list's.");
    }

    private byte[] Sign(string list, ReadOnlySpan<byte> place) =>
        HMACSHA256.HashData(_key, (byte[])[.. Encoding.UTF8.GetBytes(list), 0, .. place])[..SignatureLength];
}
