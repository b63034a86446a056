using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace ChatApi.Infrastructure.Persistence.Postgres.Migrations
{
    /// <inheritdoc />
    public partial class Branches : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<DateTime>(
                name: "deleted_at",
                schema: "chat",
                table: "sessions",
                type: "timestamp with time zone",
                nullable: true);

            migrationBuilder.AddColumn<bool>(
                name: "is_archived",
                schema: "chat",
                table: "sessions",
                type: "boolean",
                nullable: false,
                defaultValue: false);

            migrationBuilder.AddColumn<bool>(
                name: "is_pinned",
                schema: "chat",
                table: "sessions",
                type: "boolean",
                nullable: false,
                defaultValue: false);

            migrationBuilder.AddColumn<bool>(
                name: "is_title_chosen",
                schema: "chat",
                table: "sessions",
                type: "boolean",
                nullable: false,
                defaultValue: false);

            migrationBuilder.AddColumn<string>(
                name: "metadata",
                schema: "chat",
                table: "sessions",
                type: "text",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "settings",
                schema: "chat",
                table: "sessions",
                type: "text",
                nullable: true);

            migrationBuilder.AddColumn<Guid[]>(
                name: "context_message_ids",
                schema: "chat",
                table: "runs",
                type: "uuid[]",
                nullable: false,
                defaultValue: Array.Empty<Guid>());

            migrationBuilder.AddColumn<int>(
                name: "context_tokens",
                schema: "chat",
                table: "runs",
                type: "integer",
                nullable: true);

            migrationBuilder.AddColumn<int>(
                name: "context_trimmed",
                schema: "chat",
                table: "runs",
                type: "integer",
                nullable: false,
                defaultValue: 0);

            migrationBuilder.AddColumn<string>(
                name: "feedback_comment",
                schema: "chat",
                table: "messages",
                type: "character varying(2000)",
                maxLength: 2000,
                nullable: true);

            migrationBuilder.AddColumn<DateTime>(
                name: "feedback_rated_at",
                schema: "chat",
                table: "messages",
                type: "timestamp with time zone",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "feedback_rating",
                schema: "chat",
                table: "messages",
                type: "character varying(16)",
                maxLength: 16,
                nullable: true);

            migrationBuilder.AddColumn<bool>(
                name: "has_siblings",
                schema: "chat",
                table: "messages",
                type: "boolean",
                nullable: false,
                defaultValue: false);

            migrationBuilder.AddColumn<bool>(
                name: "is_on_branch",
                schema: "chat",
                table: "messages",
                type: "boolean",
                nullable: false,
                defaultValue: true);

            migrationBuilder.AddColumn<string>(
                name: "metadata",
                schema: "chat",
                table: "messages",
                type: "text",
                nullable: true);

            migrationBuilder.AddColumn<Guid>(
                name: "parent_id",
                schema: "chat",
                table: "messages",
                type: "uuid",
                nullable: true);

            migrationBuilder.AddColumn<Guid>(
                name: "user_id",
                schema: "chat",
                table: "messages",
                type: "uuid",
                nullable: false,
                defaultValue: new Guid("00000000-0000-0000-0000-000000000000"));

            migrationBuilder.CreateTable(
                name: "daily_usage",
                schema: "chat",
                columns: table => new
                {
                    user_id = table.Column<Guid>(type: "uuid", nullable: false),
                    day = table.Column<DateOnly>(type: "date", nullable: false),
                    model = table.Column<string>(type: "character varying(200)", maxLength: 200, nullable: false),
                    replies = table.Column<int>(type: "integer", nullable: false),
                    prompt_tokens = table.Column<long>(type: "bigint", nullable: false),
                    completion_tokens = table.Column<long>(type: "bigint", nullable: false),
                    estimated_tokens = table.Column<long>(type: "bigint", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_daily_usage", x => new { x.user_id, x.day, x.model });
                });

            migrationBuilder.CreateTable(
                name: "shares",
                schema: "chat",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    session_id = table.Column<Guid>(type: "uuid", nullable: false),
                    user_id = table.Column<Guid>(type: "uuid", nullable: false),
                    token_hash = table.Column<byte[]>(type: "bytea", maxLength: 32, nullable: false),
                    title = table.Column<string>(type: "character varying(200)", maxLength: 200, nullable: false),
                    snapshot = table.Column<string>(type: "text", nullable: false),
                    created_at = table.Column<DateTime>(type: "timestamp with time zone", nullable: false),
                    expires_at = table.Column<DateTime>(type: "timestamp with time zone", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_shares", x => x.id);
                    table.ForeignKey(
                        name: "fk_shares_sessions_session_id",
                        column: x => x.session_id,
                        principalSchema: "chat",
                        principalTable: "sessions",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateIndex(
                name: "ix_sessions_deleted_at_id",
                schema: "chat",
                table: "sessions",
                columns: new[] { "deleted_at", "id" },
                filter: "deleted_at IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "ix_sessions_archived",
                schema: "chat",
                table: "sessions",
                columns: new[] { "user_id", "last_message_at", "id" },
                descending: new[] { false, true, true },
                filter: "is_archived");

            migrationBuilder.CreateIndex(
                name: "ix_sessions_pinned",
                schema: "chat",
                table: "sessions",
                columns: new[] { "user_id", "last_message_at", "id" },
                descending: new[] { false, true, true },
                filter: "is_pinned");

            migrationBuilder.CreateIndex(
                name: "ix_messages_session_id_parent_id",
                schema: "chat",
                table: "messages",
                columns: new[] { "session_id", "parent_id" },
                filter: "has_siblings");

            migrationBuilder.CreateIndex(
                name: "ix_shares_expires_at",
                schema: "chat",
                table: "shares",
                column: "expires_at",
                filter: "expires_at IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "ix_shares_session_id",
                schema: "chat",
                table: "shares",
                column: "session_id");

            migrationBuilder.CreateIndex(
                name: "ix_shares_token_hash",
                schema: "chat",
                table: "shares",
                column: "token_hash",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ix_shares_user_id_id",
                schema: "chat",
                table: "shares",
                columns: new[] { "user_id", "id" });

            // What there is already is one branch, and was asked for by the session's owner.
            migrationBuilder.Sql(
                """
                UPDATE chat.messages message SET user_id = session.user_id, parent_id = known.before
                FROM chat.sessions session, (
                    SELECT id, lag(id) OVER (PARTITION BY session_id ORDER BY position) AS before FROM chat.messages) known
                WHERE session.id = message.session_id AND known.id = message.id;

                UPDATE chat.sessions SET is_title_chosen = true WHERE title <> 'Nueva conversación';

                INSERT INTO chat.daily_usage (user_id, day, model, replies, prompt_tokens, completion_tokens, estimated_tokens)
                SELECT user_id, (created_at AT TIME ZONE 'UTC')::date, coalesce(model, ''), count(*), sum(usage_prompt_tokens), sum(usage_completion_tokens),
                    coalesce(sum(usage_prompt_tokens + usage_completion_tokens) FILTER (WHERE usage_estimated), 0)
                FROM chat.messages WHERE usage_prompt_tokens IS NOT NULL
                GROUP BY 1, 2, 3;
                """);

            migrationBuilder.SetDataApiRights();
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "daily_usage",
                schema: "chat");

            migrationBuilder.DropTable(
                name: "shares",
                schema: "chat");

            migrationBuilder.DropIndex(
                name: "ix_sessions_deleted_at_id",
                schema: "chat",
                table: "sessions");

            migrationBuilder.DropIndex(
                name: "ix_sessions_archived",
                schema: "chat",
                table: "sessions");

            migrationBuilder.DropIndex(
                name: "ix_sessions_pinned",
                schema: "chat",
                table: "sessions");

            migrationBuilder.DropIndex(
                name: "ix_messages_session_id_parent_id",
                schema: "chat",
                table: "messages");

            migrationBuilder.DropColumn(
                name: "deleted_at",
                schema: "chat",
                table: "sessions");

            migrationBuilder.DropColumn(
                name: "is_archived",
                schema: "chat",
                table: "sessions");

            migrationBuilder.DropColumn(
                name: "is_pinned",
                schema: "chat",
                table: "sessions");

            migrationBuilder.DropColumn(
                name: "is_title_chosen",
                schema: "chat",
                table: "sessions");

            migrationBuilder.DropColumn(
                name: "metadata",
                schema: "chat",
                table: "sessions");

            migrationBuilder.DropColumn(
                name: "settings",
                schema: "chat",
                table: "sessions");

            migrationBuilder.DropColumn(
                name: "context_message_ids",
                schema: "chat",
                table: "runs");

            migrationBuilder.DropColumn(
                name: "context_tokens",
                schema: "chat",
                table: "runs");

            migrationBuilder.DropColumn(
                name: "context_trimmed",
                schema: "chat",
                table: "runs");

            migrationBuilder.DropColumn(
                name: "feedback_comment",
                schema: "chat",
                table: "messages");

            migrationBuilder.DropColumn(
                name: "feedback_rated_at",
                schema: "chat",
                table: "messages");

            migrationBuilder.DropColumn(
                name: "feedback_rating",
                schema: "chat",
                table: "messages");

            migrationBuilder.DropColumn(
                name: "has_siblings",
                schema: "chat",
                table: "messages");

            migrationBuilder.DropColumn(
                name: "is_on_branch",
                schema: "chat",
                table: "messages");

            migrationBuilder.DropColumn(
                name: "metadata",
                schema: "chat",
                table: "messages");

            migrationBuilder.DropColumn(
                name: "parent_id",
                schema: "chat",
                table: "messages");

            migrationBuilder.DropColumn(
                name: "user_id",
                schema: "chat",
                table: "messages");
        }
    }
}
