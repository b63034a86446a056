using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace ChatApi.Infrastructure.Persistence.Sqlite.Migrations;

/// <summary>
/// A full text index of the messages, kept by triggers. It holds no text; its rows have numbers of their own, because those that SQLite
/// gives to rows of <c>messages</c> may change when the file is compacted. FTS5 leaves out the accents
/// of Latin letters alone: those of Greek and Cyrillic ones are left out before. No change of the model, and so no designer file.
/// </summary>
[DbContext(typeof(SqliteChatDbContext))]
[Migration("20261127040000_Search")]
internal sealed class Search : Migration
{
    private const string Letters = "άα έε ήη ίι όο ύυ ώω ϊι ϋυ ΐι ΰυ ΆΑ ΈΕ ΉΗ ΊΙ ΌΟ ΎΥ ΏΩ ΪΙ ΫΥ йи ёе їі ўу ѓг ќк ЙИ ЁЕ ЇІ ЎУ ЃГ ЌК ςσ";

    private static string Add =>
        $"""
        INSERT INTO message_documents (message_id) VALUES (new.id);
        INSERT INTO message_words (rowid, content) SELECT id, {Folded("new.content")} FROM message_documents WHERE message_id = new.id;
        """;

    private const string Remove =
        """
        DELETE FROM message_words WHERE rowid = (SELECT id FROM message_documents WHERE message_id = old.id);
        DELETE FROM message_documents WHERE message_id = old.id;
        """;

    /// <inheritdoc/>
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        $"""
        CREATE TABLE message_documents (id INTEGER PRIMARY KEY, message_id TEXT NOT NULL UNIQUE);
        CREATE VIRTUAL TABLE message_words USING fts5(
            content, content = '', contentless_delete = 1, tokenize = 'unicode61 remove_diacritics 2');

        CREATE TRIGGER message_words_insert AFTER INSERT ON messages WHEN new.content <> '' BEGIN {Add} END;
        CREATE TRIGGER message_words_delete AFTER DELETE ON messages BEGIN {Remove} END;
        CREATE TRIGGER message_words_clear AFTER UPDATE OF content ON messages WHEN new.content = '' BEGIN {Remove} END;
        CREATE TRIGGER message_words_update AFTER UPDATE OF content ON messages WHEN new.content <> old.content AND new.content <> ''
        BEGIN {Remove} {Add} END;

        INSERT INTO message_documents (message_id) SELECT id FROM messages WHERE content <> '';
        INSERT INTO message_words (rowid, content)
        SELECT document.id, {Folded("message.content")}
        FROM message_documents document JOIN messages message ON message.id = document.message_id;
        """);

    /// <inheritdoc/>
    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        """
        DROP TRIGGER message_words_insert;
        DROP TRIGGER message_words_delete;
        DROP TRIGGER message_words_clear;
        DROP TRIGGER message_words_update;
        DROP TABLE message_words;
        DROP TABLE message_documents;
        """);

    /// <summary>A few at a time: SQLite's parser does not take more within each other.</summary>
    private static string Folded(string content) => Letters.Split(' ').Chunk(12).Aggregate(
        $"(SELECT substr({content}, 1, 65536) AS folded)",
        (inner, pairs) => $"(SELECT {pairs.Aggregate("folded", (sql, pair) => $"replace({sql}, '{pair[0]}', '{pair[1]}')")} AS folded FROM {inner})");
}
