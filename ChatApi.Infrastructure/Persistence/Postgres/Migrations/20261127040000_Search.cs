using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace ChatApi.Infrastructure.Persistence.Postgres.Migrations;

/// <summary>
/// A full text index of the messages, in no language in particular, and without extensions, which a project may not have. No change of
/// the model, and so no designer file.
/// </summary>
[DbContext(typeof(PostgresChatDbContext))]
[Migration("20261127040000_Search")]
internal sealed class Search : Migration
{
    /// <summary>
    /// <c>search_text</c>: lower case, without accents, and a blank for each sign that PostgreSQL would take for a part of a word
    /// (<c>a.b</c> is a host to it, <c>a/b</c> a path, <c>-1</c> a number); texts of ASCII alone, which are quick to tell, have nothing else to
    /// be done with. <c>search_words</c>: its words, each with the end of its owner's id before it, so that the index has each user's words side by
    /// side, and a beginning of a word meets nobody else's. What is longer than 255 characters is no word, and would be too long for one; what
    /// comes after 65,536 characters is not searched. In PL/pgSQL, of which a connection keeps the plan: a function in SQL that cannot be inlined is
    /// planned by every statement that writes a message, and this one is not for PostgreSQL to inline.
    /// </summary>
    private const string Functions =
        """
        DO $$
        DECLARE
            any_language text := CASE WHEN EXISTS (SELECT FROM pg_collation WHERE collname = 'und-x-icu') THEN 'pg_catalog."und-x-icu"' ELSE 'pg_catalog."default"' END;
            subject text;
        BEGIN
            EXECUTE format($make$
                CREATE OR REPLACE FUNCTION chat.search_text(content text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $f$
                    SELECT CASE WHEN octet_length(content) = length(content) THEN regexp_replace(lower(content), '[./@+_&<~:-]', ' ', 'g')
                    ELSE regexp_replace(
                        replace(lower(regexp_replace(normalize(content, NFD), '[\u0300-\u036f]', '', 'g') COLLATE %s), 'ς', 'σ'),
                        '[./@+_&<~:¿¡«»“”‘’„…–—·、。，！？：；（）「」『』-]', ' ', 'g') END
                $f$ $make$, any_language);

            CREATE OR REPLACE FUNCTION chat.search_words(user_id uuid, content text) RETURNS tsvector LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $f$
            DECLARE
                owner text := right(user_id::text, 8);
            BEGIN
                RETURN array_to_tsvector(string_to_array(
                    owner || array_to_string(tsvector_to_array(to_tsvector('pg_catalog.simple'::regconfig, CASE
                        WHEN length(content) < 200 THEN chat.search_text(content)
                        ELSE regexp_replace(chat.search_text(left(content, 65536)), '[^[:space:][:punct:]]{255,}', ' ', 'g') END)), ' ' || owner),
                    ' '));
            END $f$;

            FOR subject IN
                SELECT 'PUBLIC' UNION ALL SELECT quote_ident(rolname) FROM pg_roles WHERE rolname IN ('anon', 'authenticated')
            LOOP
                EXECUTE 'REVOKE ALL ON ALL FUNCTIONS IN SCHEMA chat FROM ' || subject;
            END LOOP;
        END $$;
        """;

    /// <inheritdoc/>
    protected override void Up(MigrationBuilder migrationBuilder)
    {
        migrationBuilder.Sql(Functions);

        // What is new is kept in a list until there is so much of it; every search reads that list.
        migrationBuilder.Sql(
            """
            CREATE INDEX ix_messages_words ON chat.messages USING gin (chat.search_words(user_id, content))
            WITH (gin_pending_list_limit = 512) WHERE content <> ''
            """);

        // Otherwise ANALYZE takes the words out of thousands of messages each time, for a plan that is the same without.
        migrationBuilder.Sql("ALTER INDEX chat.ix_messages_words ALTER COLUMN 1 SET STATISTICS 0");
        migrationBuilder.Sql("ANALYZE chat.messages");
    }

    /// <inheritdoc/>
    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        """
        DROP INDEX chat.ix_messages_words;
        DROP FUNCTION chat.search_words;
        DROP FUNCTION chat.search_text;
        """);
}
