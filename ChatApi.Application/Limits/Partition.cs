using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;

namespace ChatApi.Application.Limits;

/// <summary>Makes 16 bytes of whatever is counted, so that no counter is larger than another, and none tells an e-mail address.</summary>
internal static class Partition
{
    private const int Size = 16;
    private const int PrefixSize = 8;

    /// <summary>An IPv4 address; of an IPv6 address the /64 network, all of which one customer has. One for all that are unknown.</summary>
    public static Guid Of(IPAddress? address)
    {
        Span<byte> bytes = stackalloc byte[Size];
        bytes.Clear();
        if (address is null)
            return Guid.Empty;
        if (address.AddressFamily == AddressFamily.InterNetwork || address.IsIPv4MappedToIPv6)
            address.MapToIPv6().TryWriteBytes(bytes, out _);
        else if (address.TryWriteBytes(bytes, out _))
            bytes[PrefixSize..].Clear();
        return new(bytes);
    }

    /// <summary>An account, by its normalised e-mail address.</summary>
    public static Guid Of(string account) => new(SHA256.HashData(Encoding.UTF8.GetBytes(account)).AsSpan(0, Size));

    /// <summary>An account as seen from one address.</summary>
    public static Guid Of(Guid address, Guid account)
    {
        Span<byte> bytes = stackalloc byte[2 * Size];
        address.TryWriteBytes(bytes);
        account.TryWriteBytes(bytes[Size..]);
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(bytes, hash);
        return new(hash[..Size]);
    }
}
