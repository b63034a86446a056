using System.Collections.Concurrent;
using Npgsql;
using NpgsqlTypes;

namespace ChatApi.Infrastructure.Persistence.Postgres;

/// <summary>
/// One statement's commands, kept for its next execution with their parameters, but without what was said: to make both anew was a sixth of what a
/// turn allocates.
/// </summary>
/// <param name="source">Where they are executed.</param>
/// <param name="sql">With positional parameters.</param>
internal sealed class StatementPool(NpgsqlDataSource source, string sql)
{
    /// <summary>More than a process has connections. What thousands need who come at once is not kept.</summary>
    private const int MostIdle = 32;

    private readonly ConcurrentQueue<Statement> _idle = new();

    /// <summary>One that nobody else executes; <see cref="Statement.Return"/> it when all was read. Those that fail are not worth keeping.</summary>
    public Statement Rent() => _idle.TryDequeue(out var statement) ? statement : new(this, source.CreateCommand(sql));

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
            if (pool._idle.Count >= MostIdle)
                return;
            foreach (var parameter in command.Parameters)
            {
                if (parameter is NpgsqlParameter<string?> text)
                    text.TypedValue = null;
            }

            _given = 0;
            pool._idle.Enqueue(this);
        }
    }
}
