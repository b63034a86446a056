using System.Buffers.Binary;
using System.Text;

namespace ChatApi.Tests.Support;

/// <summary>A protobuf message without its description: fields by number, each as often as it came.</summary>
public sealed class ProtobufMessage
{
    private const int Varint = 0, Fixed64 = 1, Bytes = 2, Fixed32 = 5;

    private readonly List<(int Number, ulong Value, ReadOnlyMemory<byte> Bytes)> _fields = [];

    public ProtobufMessage(ReadOnlyMemory<byte> data)
    {
        var position = 0;
        while (position < data.Length)
        {
            var tag = ReadVarint(data.Span, ref position);
            var (number, type) = ((int)(tag >> 3), (int)(tag & 7));
            switch (type)
            {
                case Varint:
                    _fields.Add((number, ReadVarint(data.Span, ref position), default));
                    break;
                case Fixed64:
                    _fields.Add((number, BinaryPrimitives.ReadUInt64LittleEndian(data.Span[position..]), default));
                    position += sizeof(ulong);
                    break;
                case Bytes:
                    var length = (int)ReadVarint(data.Span, ref position);
                    _fields.Add((number, 0, data.Slice(position, length)));
                    position += length;
                    break;
                case Fixed32:
                    _fields.Add((number, BinaryPrimitives.ReadUInt32LittleEndian(data.Span[position..]), default));
                    position += sizeof(uint);
                    break;
                default:
                    throw new FormatException($"Field {number} has the type {type}, which no message has.");
            }
        }
    }

    public bool Has(int number) => _fields.Exists(field => field.Number == number);

    public IEnumerable<ProtobufMessage> Messages(int number) =>
        _fields.Where(field => field.Number == number).Select(field => new ProtobufMessage(field.Bytes));

    /// <summary>The only message of that number; an empty one if it is not there.</summary>
    public ProtobufMessage Message(int number) => Messages(number).SingleOrDefault() ?? new(default);

    public ulong Number(int number) => _fields.Find(field => field.Number == number).Value;

    public double Double(int number) => BitConverter.UInt64BitsToDouble(Number(number));

    public string Text(int number) => Encoding.UTF8.GetString(_fields.Find(field => field.Number == number).Bytes.Span);

    public string Hex(int number) => Convert.ToHexStringLower(_fields.Find(field => field.Number == number).Bytes.Span);

    private static ulong ReadVarint(ReadOnlySpan<byte> data, ref int position)
    {
        var value = 0UL;
        for (var shift = 0; ; shift += 7)
        {
            var next = data[position++];
            value |= (ulong)(next & 0x7f) << shift;
            if ((next & 0x80) == 0)
                return value;
        }
    }
}
