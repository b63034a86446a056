using Microsoft.EntityFrameworkCore.Migrations;

namespace ChatApi.Infrastructure.Persistence.Postgres;

/// <summary>
/// What Supabase's Data API may do, which reaches a schema that it is told of with the rights of two roles: <c>authenticated</c>
/// reads its own rows, and never a password's hash; <c>anon</c> does nothing. Two locks on each table: grants, and row-level
/// security, which does not bind the owner of the tables, ChatApi's own role.
/// </summary>
internal static class DataApiRights
{
    /// <summary>
    /// Decides about every table that there is by now; to be called again by each migration that makes one, which otherwise would be
    /// born with whatever the database grants by default. Where those roles or <c>auth.uid()</c> do not exist, or may not be
    /// used, nobody gets anything: nor do they when they appear later.
    /// </summary>
    public static void SetDataApiRights(this MigrationBuilder migration) => migration.Sql(
        """
        DO $$
        DECLARE
            subject text;
        BEGIN
            FOR subject IN
                SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE n.nspname = 'chat' AND c.relkind IN ('r', 'p') AND NOT c.relrowsecurity
            LOOP
                EXECUTE format('ALTER TABLE chat.%I ENABLE ROW LEVEL SECURITY', subject);
            END LOOP;

            FOR subject IN
                SELECT 'PUBLIC' UNION ALL SELECT quote_ident(rolname) FROM pg_roles WHERE rolname IN ('anon', 'authenticated')
            LOOP
                EXECUTE 'REVOKE ALL ON ALL TABLES IN SCHEMA chat FROM ' || subject;
                EXECUTE 'REVOKE ALL ON SCHEMA chat FROM ' || subject;
                EXECUTE 'ALTER DEFAULT PRIVILEGES IN SCHEMA chat REVOKE ALL ON TABLES FROM ' || subject;
            END LOOP;

            IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'authenticated') AND EXISTS (
                SELECT FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
                WHERE n.nspname = 'auth' AND p.proname = 'uid' AND p.pronargs = 0 AND p.prorettype = 'uuid'::regtype
                    AND has_schema_privilege(n.oid, 'USAGE') AND has_function_privilege(p.oid, 'EXECUTE'))
            THEN
                GRANT USAGE ON SCHEMA chat TO authenticated;
                GRANT SELECT ON chat.sessions, chat.messages TO authenticated;
                GRANT SELECT (id, session_id, user_id, user_message_id, message_id, status, created_at, ended_at, error_code, pieces)
                    ON chat.runs TO authenticated;
                GRANT SELECT (id, email, name, created_at) ON chat.users TO authenticated;

                DROP POLICY IF EXISTS own_rows ON chat.users;
                CREATE POLICY own_rows ON chat.users FOR SELECT TO authenticated
                    USING (id = (SELECT auth.uid()));
                DROP POLICY IF EXISTS own_rows ON chat.sessions;
                IF EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'chat.sessions'::regclass AND attname = 'deleted_at') THEN
                    CREATE POLICY own_rows ON chat.sessions FOR SELECT TO authenticated
                        USING (user_id = (SELECT auth.uid()) AND deleted_at IS NULL);
                ELSE
                    CREATE POLICY own_rows ON chat.sessions FOR SELECT TO authenticated
                        USING (user_id = (SELECT auth.uid()));
                END IF;
                DROP POLICY IF EXISTS own_rows ON chat.messages;
                CREATE POLICY own_rows ON chat.messages FOR SELECT TO authenticated
                    USING (session_id IN (SELECT id FROM chat.sessions WHERE user_id = (SELECT auth.uid())));
                DROP POLICY IF EXISTS own_rows ON chat.runs;
                CREATE POLICY own_rows ON chat.runs FOR SELECT TO authenticated
                    USING (session_id IN (SELECT id FROM chat.sessions WHERE user_id = (SELECT auth.uid())));

                -- Of a table that a later migration makes nothing is said until then.
                IF to_regclass('chat.daily_usage') IS NOT NULL THEN
                    GRANT SELECT ON chat.daily_usage TO authenticated;
                    DROP POLICY IF EXISTS own_rows ON chat.daily_usage;
                    CREATE POLICY own_rows ON chat.daily_usage FOR SELECT TO authenticated
                        USING (user_id = (SELECT auth.uid()));
                END IF;
            END IF;
        END $$;
        """);
}
