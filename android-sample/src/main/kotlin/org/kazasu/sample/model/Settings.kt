package org.kazasu.sample.model

import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import org.kazasu.ffi.BackendConfig

/** Which server is asked. */
enum class Server { SERVICE, SANDBOX }

/** What the settings screen shows. */
data class SettingsState(
    val server: Server,
    /** Host of each server; null when it is not set up. */
    val hosts: Map<Server, String?>,
    /** Whether cards are simulated; null where that is not possible. */
    val simulated: Boolean?,
)

/**
 * The settings. In memory only.
 *
 * @param load reads the configuration of a server; null when there is none.
 * @param canSimulate whether this build has the simulated card.
 */
class Settings(private val load: (Server) -> BackendConfig?, canSimulate: Boolean) {
    private val mutableState = MutableStateFlow(initial(canSimulate))

    /** What to show. */
    val state: StateFlow<SettingsState> = mutableState.asStateFlow()

    /** Configuration of the chosen server; null when it is not set up. */
    fun config(): BackendConfig? = load(state.value.server)

    /** Asks another server from now on. */
    fun choose(server: Server) {
        mutableState.value = state.value.copy(server = server)
    }

    /** Simulates cards, or reads them by NFC. */
    fun simulate(on: Boolean) {
        if (state.value.simulated != null) mutableState.value = state.value.copy(simulated = on)
    }

    /** Looks again which servers are set up. */
    fun refresh() {
        mutableState.value = state.value.copy(hosts = hosts())
    }

    private fun initial(canSimulate: Boolean): SettingsState {
        val hosts = hosts()
        val server = if (hosts[Server.SERVICE] == null && hosts[Server.SANDBOX] != null) Server.SANDBOX else Server.SERVICE
        return SettingsState(server, hosts, simulated = if (canSimulate) false else null)
    }

    private fun hosts(): Map<Server, String?> =
        Server.entries.associateWith { load(it)?.issuer?.removePrefix("https://")?.substringBefore('/') }
}
