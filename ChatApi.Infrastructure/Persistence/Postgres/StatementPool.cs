using System.Collections.Concurrent;
using Npgsql;
using NpgsqlTypes;

namespace ChatApi.Infrastructure.Persistence.Postgres;

/// <summary>
/// One statement's commands, kept for its next execution with their parameters: to make both anew was a sixth of what a turn allocates. There
/// are as many as were in use at once.
/// </summary>
/// <param name="source">Where they are executed.</param>
/// <param name="sql">With positional parameters.</param>
internal sealed class StatementPool(NpgsqlDataSource source, string sql)
{
    private readonly ConcurrentBag<Statement> _idle = [];

    /// <summary>One that nobody else executes; <see cref="Statement.Return"/> it when all was read. Those that fail are not worth keeping.</summary>
    public Statement Rent() => _idle.TryTake(out var statement) ? statement : new(this, source.CreateCommand(sql));

    /// <summary>A command, whose parameters are given in their order, each time of the same types.</summary>
    internal sealed class Statement(StatementPool pool, NpgsqlCommand command)
    {
        private int _given;

        public NpgsqlCommand Command => command;

        public Statement Uuid(Guid value) => Value(value, NpgsqlDbType.Uuid);

        public Statement Integer(int value) => Value(value, NpgsqlDbType.Integer);

        public Statement Boolean(bool value) => Value(value, NpgsqlDbType.Boolean);

        public Statement Time(DateTime value) => Value(value, NpgsqlDbType.TimestampTz);

        public Statement Text(string? value) => Value(value, NpgsqlDbType.Text);

        public Statement Bytes(byte[]? value) => Value(value, NpgsqlDbType.Bytea);

        public Statement Value<T>(T value, NpgsqlDbType type)
        {
            if (_given < command.Parameters.Count)
                ((NpgsqlParameter<T>)command.Parameters[_given]).TypedValue = value;
            else
                command.Parameters.Add(new NpgsqlParameter<T> { TypedValue = value, NpgsqlDbType = type });
            _given++;
            return this;
        }

        public void Return()
        {
            _given = 0;
            pool._idle.Add(this);
        }
    }
}
