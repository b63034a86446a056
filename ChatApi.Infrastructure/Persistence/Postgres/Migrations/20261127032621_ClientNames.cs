using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace ChatApi.Infrastructure.Persistence.Postgres.Migrations
{
    /// <inheritdoc />
    public partial class ClientNames : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<string>(
                name: "client_id",
                schema: "chat",
                table: "sessions",
                type: "character varying(128)",
                maxLength: 128,
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "client_id",
                schema: "chat",
                table: "messages",
                type: "character varying(128)",
                maxLength: 128,
                nullable: true);

            migrationBuilder.CreateIndex(
                name: "ix_sessions_user_id_client_id",
                schema: "chat",
                table: "sessions",
                columns: new[] { "user_id", "client_id" },
                unique: true,
                filter: "client_id IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "ix_messages_session_id_client_id",
                schema: "chat",
                table: "messages",
                columns: new[] { "session_id", "client_id" },
                unique: true,
                filter: "client_id IS NOT NULL");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "ix_sessions_user_id_client_id",
                schema: "chat",
                table: "sessions");

            migrationBuilder.DropIndex(
                name: "ix_messages_session_id_client_id",
                schema: "chat",
                table: "messages");

            migrationBuilder.DropColumn(
                name: "client_id",
                schema: "chat",
                table: "sessions");

            migrationBuilder.DropColumn(
                name: "client_id",
                schema: "chat",
                table: "messages");
        }
    }
}
