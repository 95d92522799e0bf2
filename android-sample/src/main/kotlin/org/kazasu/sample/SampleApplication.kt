package org.kazasu.sample

import android.app.Application
import java.io.File
import java.util.UUID
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.SupervisorJob
import org.kazasu.AndroidKeystoreDeviceKey
import org.kazasu.ffi.BackendConfig
import org.kazasu.ffi.DeviceKey
import org.kazasu.sample.model.AppModel
import org.kazasu.sample.model.ClientFile
import org.kazasu.sample.model.Household
import org.kazasu.sample.model.Server
import org.kazasu.sample.model.Settings

/** Holds what lives as long as the app. */
class SampleApplication : Application() {
    /** Everything behind the screens. Replaced by tests. */
    var model: AppModel
        get() = current ?: newModel().also { current = it }
        set(value) {
            current = value
        }

    private var current: AppModel? = null

    private val keys = mutableMapOf<Int, DeviceKey>()

    private fun newModel() = AppModel(
        scope = CoroutineScope(SupervisorJob() + Dispatchers.Main.immediate),
        household = Household(owner = getString(R.string.member_me)),
        settings = Settings(::config, canSimulate = Simulation.card != null),
        // The people live in memory, and so do the names of their keys.
        deviceKey = { person -> keys.getOrPut(person.number) { AndroidKeystoreDeviceKey(UUID.randomUUID().toString()) } },
        simulatedCard = Simulation.card,
    )

    private fun config(server: Server): BackendConfig? = when (server) {
        Server.SERVICE -> ClientFile.read { assets.open("server/$it") }
        Server.SANDBOX -> ClientFile.read { File(getExternalFilesDir("sandbox"), it).inputStream() }
    }
}
