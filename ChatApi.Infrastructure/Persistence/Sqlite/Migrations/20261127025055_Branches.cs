using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace ChatApi.Infrastructure.Persistence.Sqlite.Migrations
{
    /// <inheritdoc />
    public partial class Branches : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<DateTime>(
                name: "deleted_at",
                table: "sessions",
                type: "TEXT",
                nullable: true);

            migrationBuilder.AddColumn<bool>(
                name: "is_archived",
                table: "sessions",
                type: "INTEGER",
                nullable: false,
                defaultValue: false);

            migrationBuilder.AddColumn<bool>(
                name: "is_pinned",
                table: "sessions",
                type: "INTEGER",
                nullable: false,
                defaultValue: false);

            migrationBuilder.AddColumn<bool>(
                name: "is_title_chosen",
                table: "sessions",
                type: "INTEGER",
                nullable: false,
                defaultValue: false);

            migrationBuilder.AddColumn<string>(
                name: "metadata",
                table: "sessions",
                type: "TEXT",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "settings",
                table: "sessions",
                type: "TEXT",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "context_message_ids",
                table: "runs",
                type: "TEXT",
                nullable: false,
                defaultValue: "[]");

            migrationBuilder.AddColumn<int>(
                name: "context_tokens",
                table: "runs",
                type: "INTEGER",
                nullable: true);

            migrationBuilder.AddColumn<int>(
                name: "context_trimmed",
                table: "runs",
                type: "INTEGER",
                nullable: false,
                defaultValue: 0);

            migrationBuilder.AddColumn<string>(
                name: "feedback_comment",
                table: "messages",
                type: "TEXT",
                maxLength: 2000,
                nullable: true);

            migrationBuilder.AddColumn<DateTime>(
                name: "feedback_rated_at",
                table: "messages",
                type: "TEXT",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "feedback_rating",
                table: "messages",
                type: "TEXT",
                maxLength: 16,
                nullable: true);

            migrationBuilder.AddColumn<bool>(
                name: "has_siblings",
                table: "messages",
                type: "INTEGER",
                nullable: false,
                defaultValue: false);

            migrationBuilder.AddColumn<bool>(
                name: "is_on_branch",
                table: "messages",
                type: "INTEGER",
                nullable: false,
                defaultValue: true);

            migrationBuilder.AddColumn<string>(
                name: "metadata",
                table: "messages",
                type: "TEXT",
                nullable: true);

            migrationBuilder.AddColumn<Guid>(
                name: "parent_id",
                table: "messages",
                type: "TEXT",
                nullable: true);

            migrationBuilder.AddColumn<Guid>(
                name: "user_id",
                table: "messages",
                type: "TEXT",
                nullable: false,
                defaultValue: new Guid("00000000-0000-0000-0000-000000000000"));

            migrationBuilder.CreateTable(
                name: "daily_usage",
                columns: table => new
                {
                    user_id = table.Column<Guid>(type: "TEXT", nullable: false),
                    day = table.Column<DateOnly>(type: "TEXT", nullable: false),
                    model = table.Column<string>(type: "TEXT", maxLength: 200, nullable: false),
                    replies = table.Column<int>(type: "INTEGER", nullable: false),
                    prompt_tokens = table.Column<long>(type: "INTEGER", nullable: false),
                    completion_tokens = table.Column<long>(type: "INTEGER", nullable: false),
                    estimated_tokens = table.Column<long>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_daily_usage", x => new { x.user_id, x.day, x.model });
                });

            migrationBuilder.CreateTable(
                name: "shares",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "TEXT", nullable: false),
                    session_id = table.Column<Guid>(type: "TEXT", nullable: false),
                    user_id = table.Column<Guid>(type: "TEXT", nullable: false),
                    token_hash = table.Column<byte[]>(type: "BLOB", maxLength: 32, nullable: false),
                    title = table.Column<string>(type: "TEXT", maxLength: 200, nullable: false),
                    snapshot = table.Column<string>(type: "TEXT", nullable: false),
                    created_at = table.Column<DateTime>(type: "TEXT", nullable: false),
                    expires_at = table.Column<DateTime>(type: "TEXT", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_shares", x => x.id);
                    table.ForeignKey(
                        name: "fk_shares_sessions_session_id",
                        column: x => x.session_id,
                        principalTable: "sessions",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateIndex(
                name: "ix_sessions_deleted_at_id",
                table: "sessions",
                columns: new[] { "deleted_at", "id" },
                filter: "deleted_at IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "ix_sessions_archived",
                table: "sessions",
                columns: new[] { "user_id", "last_message_at", "id" },
                descending: new[] { false, true, true },
                filter: "is_archived");

            migrationBuilder.CreateIndex(
                name: "ix_sessions_pinned",
                table: "sessions",
                columns: new[] { "user_id", "last_message_at", "id" },
                descending: new[] { false, true, true },
                filter: "is_pinned");

            migrationBuilder.CreateIndex(
                name: "ix_messages_session_id_parent_id",
                table: "messages",
                columns: new[] { "session_id", "parent_id" },
                filter: "has_siblings");

            migrationBuilder.CreateIndex(
                name: "ix_shares_expires_at",
                table: "shares",
                column: "expires_at",
                filter: "expires_at IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "ix_shares_session_id",
                table: "shares",
                column: "session_id");

            migrationBuilder.CreateIndex(
                name: "ix_shares_token_hash",
                table: "shares",
                column: "token_hash",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ix_shares_user_id_id",
                table: "shares",
                columns: new[] { "user_id", "id" });

            // What there is already is one branch, and was asked for by the session's owner.
            migrationBuilder.Sql(
                """
                UPDATE messages SET
                    user_id = (SELECT session.user_id FROM sessions session WHERE session.id = messages.session_id),
                    parent_id = (SELECT before.id FROM messages before
                        WHERE before.session_id = messages.session_id AND before.position < messages.position ORDER BY before.position DESC LIMIT 1);

                UPDATE sessions SET is_title_chosen = 1 WHERE title <> 'Nueva conversación';

                INSERT INTO daily_usage (user_id, day, model, replies, prompt_tokens, completion_tokens, estimated_tokens)
                SELECT user_id, substr(created_at, 1, 10), coalesce(model, ''), count(*), sum(usage_prompt_tokens), sum(usage_completion_tokens),
                    coalesce(sum(usage_prompt_tokens + usage_completion_tokens) FILTER (WHERE usage_estimated), 0)
                FROM messages WHERE usage_prompt_tokens IS NOT NULL
                GROUP BY 1, 2, 3;
                """);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "daily_usage");

            migrationBuilder.DropTable(
                name: "shares");

            migrationBuilder.DropIndex(
                name: "ix_sessions_deleted_at_id",
                table: "sessions");

            migrationBuilder.DropIndex(
                name: "ix_sessions_archived",
                table: "sessions");

            migrationBuilder.DropIndex(
                name: "ix_sessions_pinned",
                table: "sessions");

            migrationBuilder.DropIndex(
                name: "ix_messages_session_id_parent_id",
                table: "messages");

            migrationBuilder.DropColumn(
                name: "deleted_at",
                table: "sessions");

            migrationBuilder.DropColumn(
                name: "is_archived",
                table: "sessions");

            migrationBuilder.DropColumn(
                name: "is_pinned",
                table: "sessions");

            migrationBuilder.DropColumn(
                name: "is_title_chosen",
                table: "sessions");

            migrationBuilder.DropColumn(
                name: "metadata",
                table: "sessions");

            migrationBuilder.DropColumn(
                name: "settings",
                table: "sessions");

            migrationBuilder.DropColumn(
                name: "context_message_ids",
                table: "runs");

            migrationBuilder.DropColumn(
                name: "context_tokens",
                table: "runs");

            migrationBuilder.DropColumn(
                name: "context_trimmed",
                table: "runs");

            migrationBuilder.DropColumn(
                name: "feedback_comment",
                table: "messages");

            migrationBuilder.DropColumn(
                name: "feedback_rated_at",
                table: "messages");

            migrationBuilder.DropColumn(
                name: "feedback_rating",
                table: "messages");

            migrationBuilder.DropColumn(
                name: "has_siblings",
                table: "messages");

            migrationBuilder.DropColumn(
                name: "is_on_branch",
                table: "messages");

            migrationBuilder.DropColumn(
                name: "metadata",
                table: "messages");

            migrationBuilder.DropColumn(
                name: "parent_id",
                table: "messages");

            migrationBuilder.DropColumn(
                name: "user_id",
                table: "messages");
        }
    }
}
