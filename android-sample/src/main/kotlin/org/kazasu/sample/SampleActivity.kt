package org.kazasu.sample

import android.app.Activity
import android.os.Bundle
import android.view.View
import android.view.WindowManager
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.cancel
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.launch
import org.kazasu.ffi.Language
import org.kazasu.sample.model.AppModel
import org.kazasu.sample.ui.Kit

/** What every screen has: the model, the language, and no screenshots. */
abstract class SampleActivity : Activity() {
    protected val model: AppModel get() = (application as SampleApplication).model
    protected val kit: Kit by lazy { Kit(this) }
    protected val language: Language get() = if (kit.japanese()) Language.JAPANESE else Language.ENGLISH

    private var visible = CoroutineScope(Job())

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        window.addFlags(WindowManager.LayoutParams.FLAG_SECURE)
    }

    override fun onStop() {
        visible.cancel()
        super.onStop()
    }

    /** From now until the screen goes, [show]s what [states] gives. Call it in `onStart`. */
    protected fun <T> watch(states: Flow<T>, show: (T) -> Unit) {
        visible.cancel()
        visible = CoroutineScope(Job() + Dispatchers.Main.immediate)
        visible.launch { states.collect { show(it) } }
    }

    protected fun show(view: View) = setContentView(view)
}
